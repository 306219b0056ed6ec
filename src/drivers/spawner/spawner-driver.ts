/**
 * The driver that main uses: the real one is in the spawner. Should the spawner die, everything that it ran is ended
 * from here, and the next start brings up another.
 */
import type { Socket } from "node:net";
import type { Clock, Logger } from "../../base/base.ts";
import { systemClock } from "../../base/base.ts";
import type { InstanceId } from "../../model/model.ts";
import type { Driver, DriverCapabilities, DriverName, OutputSink, ProbeResult, StartSpec } from "../driver.ts";
import { StartError } from "../driver.ts";
import type { HostFeature } from "../host-feature.ts";
import { endFootprint, type Footprint } from "../local/footprint.ts";
import { sweepNatTables } from "../network/nat-table.ts";
import type { FromSpawner, SpawnerSetup } from "./messages.ts";
import { RemoteInstance } from "./remote-instance.ts";
import { SpawnerProcess } from "./spawner-process.ts";

/** What a spawner gets to end its instances and itself when it is asked to. */
const CLOSE_LIMIT_MS = 5_000;

export interface SpawnerDriverOptions {
  readonly setup: SpawnerSetup;
  readonly output: OutputSink;
  readonly logger: Logger;
}

type SpawnerReady = Extract<FromSpawner, { readonly type: "ready" }>;

export class SpawnerDriver implements Driver {
  readonly name: DriverName;
  readonly #options: SpawnerDriverOptions;
  readonly #clock: Clock = systemClock;
  readonly #instances = new Map<InstanceId, RemoteInstance>();
  readonly #ready = Promise.withResolvers<SpawnerReady>();
  #setUp: SpawnerReady | undefined;
  #spawner: SpawnerProcess | undefined;
  #probes: ((result: ProbeResult) => void)[] = [];
  /** Ends of dead spawners' instances that are under way. */
  readonly #ending = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  /** Starts the spawner and waits until its driver is set up. Rejects when it dies before. */
  static async open(options: SpawnerDriverOptions): Promise<SpawnerDriver> {
    const driver = SpawnerDriver.begin(options);
    driver.#setUp = await driver.#ready.promise;
    return driver;
  }

  /** Starts the spawner. What is started at once begins when its driver is set up; what it can do is not known before. */
  static begin(options: SpawnerDriverOptions): SpawnerDriver {
    const driver = new SpawnerDriver(options);
    driver.#runningSpawner();
    return driver;
  }

  private constructor(options: SpawnerDriverOptions) {
    this.#options = options;
    this.name = options.setup.driver;
  }

  get capabilities(): DriverCapabilities {
    return this.#setUp!.capabilities;
  }

  /** What the driver does on this host, and what not. */
  get features(): readonly HostFeature[] {
    return this.#setUp!.features;
  }

  /** See Launcher. */
  get unmet(): string | undefined {
    return this.#setUp?.unmet;
  }

  /** Pid of the spawner, for `doctor` and tests; undefined while none runs. */
  get spawnerPid(): number | undefined {
    return this.#spawner?.pid;
  }

  probe(): Promise<ProbeResult> {
    return new Promise((resolve) => {
      this.#probes.push(resolve);
      this.#runningSpawner().post({ type: "probe" });
    });
  }

  start(spec: StartSpec): RemoteInstance {
    if (this.#closed !== undefined) throw new Error(`The ${this.name} driver is closed`);
    const spawner = this.#runningSpawner();
    const orders = {
      capCpu: (id: InstanceId) => spawner.post({ type: "capCpu", id }),
      stop: (id: InstanceId, graceMs: number) => spawner.post({ type: "stop", id, graceMs }),
      destroy: (id: InstanceId) => spawner.post({ type: "destroy", id }),
      connect: (id: InstanceId, request: number) => spawner.post({ type: "connect", id, request }),
      order: (type: "freeze" | "thaw", id: InstanceId, order: number) => spawner.post({ type, id, order }),
    };
    const instance = new RemoteInstance(spec.instanceId, orders, this.#clock);
    this.#instances.set(spec.instanceId, instance);
    spawner.post({ type: "start", spec });
    return instance;
  }

  expectImages(): void {
    if (this.#closed === undefined) this.#runningSpawner().post({ type: "expectImages" });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const spawner = this.#spawner;
    if (spawner !== undefined) {
      spawner.post({ type: "close" });
      const impatience = this.#clock.wakeAfter(CLOSE_LIMIT_MS, () => spawner.kill());
      await spawner.gone;
      impatience.cancel();
    }
    await Promise.all(this.#ending);
  }

  #runningSpawner(): SpawnerProcess {
    if (this.#spawner !== undefined) return this.#spawner;
    const { setup, logger } = this.#options;
    const spawner = new SpawnerProcess(setup, logger, (message, socket) => this.#receive(message, socket));
    this.#spawner = spawner;
    void spawner.exited.then(() => this.#onSpawnerExit());
    return spawner;
  }

  #receive(message: FromSpawner, socket: Socket | undefined): void {
    switch (message.type) {
      case "ready":
        // Of the first one whoever makes the driver is told.
        if (this.#setUp !== undefined && message.unmet !== undefined) this.#options.logger.error(message.unmet);
        this.#ready.resolve(message);
        return;
      case "probed":
        this.#probes.shift()?.(message.result);
        return;
      case "footprint": {
        const instance = this.#instances.get(message.id);
        if (instance !== undefined) instance.footprint = message.footprint;
        return;
      }
      case "listening":
        this.#instances.get(message.id)?.settleListening(message.endpoint, message.canFreeze);
        return;
      case "ordered":
        this.#instances.get(message.id)?.settleOrdered(message.order, message.error);
        return;
      case "notStarted": {
        const error = new StartError(message.errorType, message.message, message.stderrTail);
        this.#instances.get(message.id)?.settleNotStarted(error);
        return;
      }
      case "connected": {
        const instance = this.#instances.get(message.id);
        if (instance !== undefined && socket !== undefined) instance.settleConnected(message.request, socket);
        else socket?.destroy();
        return;
      }
      case "notConnected":
        this.#instances.get(message.id)?.settleNotConnected(message.request, new Error(message.message));
        return;
      case "exited":
        this.#instances.get(message.id)?.settleExited(message.report);
        this.#instances.delete(message.id);
        return;
      case "usage":
        for (const { id, usage } of message.usages) {
          const instance = this.#instances.get(id);
          if (instance !== undefined) instance.usage = usage;
        }
        return;
      case "output":
        this.#options.output(message.lines);
        return;
      case "log":
        this.#options.logger[message.level](message.message, message.fields);
        return;
      default:
        throw new Error(`Unknown message ${JSON.stringify(message satisfies never)}`);
    }
  }

  #onSpawnerExit(): void {
    this.#spawner = undefined;
    this.#ready.reject(new Error("The spawner ended while it was set up: its messages are in the log"));
    this.#ready.promise.catch(() => {});
    for (const resolve of this.#probes.splice(0)) resolve({ works: false, reason: "the spawner ended" });
    const orphans = [...this.#instances.values()];
    this.#instances.clear();
    if (this.#closed === undefined) {
      this.#options.logger.error("the spawner ended: its instances are ended too, the next start brings up another", {
        instances: orphans.length,
      });
    }
    const ending = Promise.all([...orphans.map((orphan) => this.#endOrphan(orphan)), this.#sweep()]).then(() => {});
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }

  /** Where its pids mean nothing here it still runs. The client of the engine is loaded only now. */
  async #removeContainer({ engine, id }: NonNullable<Footprint["container"]>): Promise<void> {
    try {
      const { openEngine, removeContainer } = await import("../container/container.ts");
      await removeContainer((await openEngine({ address: engine })).docker, id);
    } catch (error) {
      this.#options.logger.warn("a container of the spawner that ended is not removed: the next start does it", {
        container: id,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** Takes back what a spawner has done to the host and could not take back itself. */
  async #sweep(): Promise<void> {
    const { setup, logger } = this.#options;
    if (setup.configuration.egress !== "nat") return;
    await sweepNatTables().catch((error: Error) => logger.error("nat is not taken back", { error: error.message }));
  }

  async #endOrphan(instance: RemoteInstance): Promise<void> {
    const { footprint } = instance;
    // At once: what an engine has paused ends only when the engine lets it.
    await Promise.all([
      footprint === undefined ? undefined : endFootprint(footprint, this.#clock),
      footprint?.container === undefined ? undefined : this.#removeContainer(footprint.container),
    ]);
    instance.settleExited({ code: undefined, signal: "SIGKILL", outOfMemory: false, stderrTail: "" });
  }
}
