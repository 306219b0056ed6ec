import { join } from "node:path";
import { type Channel, type Clock, type Logger, systemClock } from "../base/base.ts";
import type { Credentials } from "../control/control.ts";
import type { OutputLine } from "../drivers/driver.ts";
import { createDriver } from "../drivers/drivers.ts";
import { GATEWAY_LIMITS, Gateway, type InstanceLink, type LocalCa } from "../gateway/gateway.ts";
import { LIMITS, type Limit } from "../h2/h2.ts";
import { type BusyMeter, MeterBook } from "../metering/metering.ts";
import { type FunctionKey, fault, type InstanceId, type Revision, type ToMain, type ToWorker } from "../model/model.ts";
import { Scheduler, schedulerLimits } from "../scheduler/scheduler.ts";
import { CallCounts } from "./call-counts.ts";
import type { Configuration } from "./configuration.ts";
import { DataPlane } from "./data-plane.ts";
import { driverConfiguration } from "./driver-configuration.ts";
import { InvocationDesk } from "./invocation-desk.ts";
import type { ClosableLogger } from "./log.ts";
import { connectionsThatFit, readOpenFilesMax } from "./open-files.ts";
import { Reports } from "./reports.ts";

const STATUS_REFRESH_MS = 500;

/** How often the worker is told the counts: what the metrics show is no older than this. */
const COUNTS_INTERVAL_MS = 1000;

export interface MainLoopOptions {
  readonly configuration: Configuration;
  readonly dataDir: string;
  readonly logger: ClosableLogger;
  readonly credentials: Credentials;
  readonly ca: LocalCa;
  /** Function that a call by IP address finds only where there is no other. */
  readonly demo: FunctionKey;
}

/** The loop that calls run on: gateway, scheduler, driver, meters, and the reports that go to the worker. */
export class MainLoop {
  readonly gateway: Gateway;
  readonly scheduler: Scheduler<InstanceLink>;
  readonly isolation: string;
  readonly #closeDriver: () => Promise<void>;
  readonly #dataPlane: DataPlane;
  readonly #invocations: InvocationDesk;
  readonly #reports: Reports;
  readonly #meters: MeterBook;
  readonly #callCounts = new CallCounts();
  /** Functions that may have instances, of all that there are: each of the others would be looked at in vain. */
  readonly #lookedAt = new Set<FunctionKey>();
  readonly #clock: Clock = systemClock;
  #firstSnapshot: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  readonly #served: Promise<void>;

  /** Starts the driver (and with it the spawner) first, while this process is still small. */
  static async start(options: MainLoopOptions): Promise<MainLoop> {
    const { configuration, logger } = options;
    const holder: { loop?: MainLoop } = {};
    const { driver, chosen, tried } = await createDriver({
      isolation: configuration.isolation,
      configuration: driverConfiguration(configuration),
      scratchFolder: join(options.dataDir, "scratch"),
      output: (lines) => holder.loop?.functionOutput(lines),
      logger,
    });
    for (const { name, reason } of tried) logger.info("An isolation does not work here", { name, reason });
    if (chosen === "process") {
      logger.warn(
        `Functions run as plain processes, without isolation${tried[0] ? `: ${tried[0].name}: ${tried[0].reason}` : ""}`,
      );
    }
    holder.loop = new MainLoop(options, driver, chosen);
    return holder.loop;
  }

  private constructor(
    options: MainLoopOptions,
    driver: Awaited<ReturnType<typeof createDriver>>["driver"],
    isolation: string,
  ) {
    const { configuration, logger } = options;
    const clock = this.#clock;
    this.isolation = isolation;
    this.#closeDriver = () => driver.close();
    this.#reports = new Reports(clock, (key) => this.scheduler.statusOf(key));
    this.#meters = new MeterBook((record) => this.#reports.usage(record), clock);
    const h2Limits = limitsOf(configuration, LIMITS);
    this.gateway = new Gateway({
      clock,
      logger,
      region: configuration.region,
      certificates: options.ca,
      demo: options.demo,
      limits: { ...limitsOf(configuration, GATEWAY_LIMITS), connectionsMax: connectionsMax(configuration, logger) },
      clientLimits: h2Limits,
      instanceLimits: h2Limits,
      meterOf: (instanceId, revision) => this.#meterOf(instanceId, revision),
      callEnded: (ended) => {
        this.#callCounts.ended(ended);
        this.#reports.callEnded(ended);
      },
    });
    this.scheduler = new Scheduler<InstanceLink>({
      driver,
      links: this.gateway,
      clock,
      region: configuration.region,
      logger,
      limits: schedulerLimits({
        startLimitMs: configuration.startLimitMs,
        queueCallsMax: configuration.queueCallsMax,
        queueWaitAtLimitMs: configuration.queueWaitAtLimitMs,
        idleFreezeMs: configuration.idleFreezeMs,
        idleStopMs: configuration.idleStopMs,
        instancesMax: configuration.instancesMax,
        growthBurst: configuration.growthBurst,
        growthPerMinute: configuration.growthPerMinute,
        startsAtOnceMax: configuration.startsAtOnceMax,
        stopGraceMs: configuration.stopGraceMs,
        hostMemoryMb: configuration.instanceMemoryMaxMb,
      }),
      events: {
        statusChanged: (key) => {
          this.#lookedAt.add(key);
          this.#reports.functionChanged(key);
        },
        instanceExited: (key, instanceId, report, expected) => {
          this.#meters.close(instanceId);
          if (expected) return;
          const how =
            report.signal === undefined ? `exited with code ${report.code}` : `was killed by ${report.signal}`;
          const words = report.outOfMemory ? `${how}: it used more than its memorySize` : how;
          this.#platformLine(key, `instance ${instanceId} ${words}`, instanceId);
        },
        startFailed: (key, _revision, cause, stderrTail) => {
          this.#platformLine(key, stderrTail === "" ? cause.message : `${cause.message}\n${stderrTail}`);
        },
        remark: (key, words) => this.#platformLine(key, words),
      },
    });
    this.gateway.attach(this.scheduler);
    this.#dataPlane = new DataPlane(this.gateway, this.scheduler, logger, () => driver.expectImages?.());
    this.#invocations = new InvocationDesk(this.gateway, logger);
    this.#refreshStatus();
    this.#reportCounts();
    this.#served = new Promise((resolve) => {
      this.#firstSnapshot = resolve;
    });
  }

  /** Resolves when the first snapshot is served. */
  get served(): Promise<void> {
    return this.#served;
  }

  /** What instances printed. */
  functionOutput(lines: readonly OutputLine[]): void {
    this.#reports.lines(lines);
  }

  /** Joins a control plane: applies what it says, reports to it. */
  join(channel: Channel<ToWorker, ToMain>): void {
    channel.onMessage((message) => this.#receive(channel, message));
    this.#reports.setChannel(channel);
  }

  /** The control plane is gone: the last state is served on. */
  leave(): void {
    this.#invocations.cancelAll();
    this.#reports.setChannel(undefined);
  }

  /** Finishes open calls, at most for `timeoutMs`, then ends what is left. Says how many calls are left. */
  async drain(timeoutMs: number, say: (openCalls: number) => void): Promise<void> {
    this.scheduler.drain();
    say(this.gateway.openCalls);
    await Promise.race([this.gateway.drain(), delay(timeoutMs)]);
    this.gateway.endCalls(fault("Unavailable", "Sluice was stopped before the call ended"));
  }

  /** Stops every instance and writes what is owed to the worker. Idempotent. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    await this.scheduler.stopAll(graceMs);
    this.gateway.close();
    this.#meters.checkpoint();
    this.#reports.flush();
    await this.#closeDriver();
  }

  #receive(channel: Channel<ToWorker, ToMain>, message: ToMain): void {
    switch (message.type) {
      case "snapshot":
        this.#dataPlane.applySnapshot(message);
        channel.post({ type: "applied", at: this.#dataPlane.at });
        this.#firstSnapshot?.();
        break;
      case "delta":
        if (this.#dataPlane.applyDelta(message)) channel.post({ type: "applied", at: this.#dataPlane.at });
        else channel.post({ type: "resync" });
        break;
      case "usageStored":
        this.#reports.usageStored(channel, message.count);
        break;
      case "invoke":
        void this.#invocations.invoke(message.request, channel);
        break;
      case "cancelInvocation":
        this.#invocations.cancel(message.invocationId);
        break;
      case "shutdown":
        break;
      default:
        throw new Error(`Unknown message ${JSON.stringify(message satisfies never)}`);
    }
  }

  /** Open calls of an instance change without an event: `info` sees them this much later at the most. */
  #refreshStatus(): void {
    this.#clock.wakeAfter(STATUS_REFRESH_MS, () => {
      for (const key of this.#lookedAt) {
        if (this.scheduler.statusOf(key)?.instances.length) this.#reports.functionChanged(key);
        else this.#lookedAt.delete(key);
      }
      this.#refreshStatus();
    });
  }

  #reportCounts(): void {
    const { gateway } = this;
    this.#reports.counts({
      refusals: gateway.refusals.counts(),
      clientConnections: gateway.clientCount,
      openCalls: gateway.openCalls,
      endedCalls: this.#callCounts.byStatus(),
      platformEndedCalls: this.#callCounts.byErrorType(),
      droppedReports: this.#reports.dropped,
    });
    this.#clock.wakeAfter(COUNTS_INTERVAL_MS, () => this.#reportCounts());
  }

  #meterOf(instanceId: InstanceId, revision: Revision): BusyMeter {
    return this.#meters.open({
      instanceId,
      function: revision.function,
      revisionId: revision.id,
      memoryMb: revision.memoryMb,
    });
  }

  #platformLine(key: FunctionKey, text: string, instanceId?: InstanceId): void {
    const at = this.#clock.epochMs();
    this.#reports.lines(
      text.split("\n").map((line) => ({
        function: key,
        at,
        source: "platform" as const,
        text: line,
        ...(instanceId && { instanceId }),
      })),
    );
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.wakeAfter(ms, resolve);
  });
}

/** Connections that clients may have: as configured, or what fits into the files that this process may open. */
function connectionsMax({ connectionsMax: wanted, instancesMax }: Configuration, logger: Logger): number {
  const openFilesMax = readOpenFilesMax();
  const fitting = connectionsThatFit(openFilesMax, instancesMax);
  if (fitting >= wanted) return wanted;
  logger.warn(
    `Clients get ${fitting} connections, not ${wanted}: this process may open ${openFilesMax} files (ulimit -n)`,
  );
  return fitting;
}

/** What the configuration says for each limit of a table. */
function limitsOf<Name extends keyof Configuration>(
  configuration: Configuration,
  table: Readonly<Record<Name, Limit>>,
): Pick<Configuration, Name> {
  return Object.fromEntries((Object.keys(table) as Name[]).map((name) => [name, configuration[name]])) as Pick<
    Configuration,
    Name
  >;
}
