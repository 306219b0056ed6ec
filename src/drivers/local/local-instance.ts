/** One instance in the process that started it: from check to launch to listening to the end of all it left. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, sleep, type WakeUp } from "../../base/base.ts";
import type { InstanceId } from "../../model/model.ts";
import { outOfMemoryKillsIn } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import {
  type DriverInstance,
  type ExitReport,
  type InstanceUsage,
  type OutputLine,
  StartError,
  type StartSpec,
} from "../driver.ts";
import { isKilled, isRunning } from "../host/process-tree.ts";
import { Connector } from "./connect.ts";
import { exitStatus } from "./exit-status.ts";
import { endFootprint, type Footprint } from "./footprint.ts";
import { FreezeSwitch } from "./freeze-switch.ts";
import type { Ending } from "./launched-program.ts";
import type { Endpoint, Launched, Launcher } from "./launcher.ts";
import { watchListening } from "./listening-watch.ts";
import type { OutputBudget } from "./output-budget.ts";
import { OutputReader } from "./output-reader.ts";
import { checkStart, type StartFault } from "./start-check.ts";
import type { UidTable } from "./uid-table.ts";

/** After the last process has ended, its output is there within this time, unless somebody else holds the pipe. */
const OUTPUT_END_LIMIT_MS = 500;

const KILL_AGAIN_MS = 5;

/** What an instance needs from its driver. */
export interface Surroundings {
  readonly clock: Clock;
  readonly configuration: DriverConfiguration;
  readonly launcher: Launcher;
  /** Undefined where functions run as the user who runs Sluice. */
  readonly uids: UidTable | undefined;
  readonly outputBudget: OutputBudget;
  readonly sink: (line: OutputLine) => void;
  /** Told what there is to end, should this process die; again when it listens, since more is there then. */
  readonly onFootprint: (instance: LocalInstance, footprint: Footprint) => void;
}

export class LocalInstance implements DriverInstance {
  readonly id: InstanceId;
  readonly listening: Promise<void>;
  readonly exited: Promise<ExitReport>;
  readonly #spec: StartSpec;
  readonly #around: Surroundings;
  readonly #output: OutputReader;
  readonly #listening = Promise.withResolvers<void>();
  readonly #startedAt: number;
  readonly #freezeSwitch: FreezeSwitch;
  readonly #connector = new Connector();
  #launched: Launched | undefined;
  #usage: InstanceUsage | undefined;
  /** Known once it listens: before that, what prepares its place stands where the program will. */
  #programPid: number | undefined;
  #isDestroyed = false;
  #hasEnded = false;
  #outOfMemory = false;
  #stopWatching: () => void = () => {};
  #killAt = Number.POSITIVE_INFINITY;
  #killTimer: WakeUp | undefined;

  constructor(spec: StartSpec, around: Surroundings) {
    this.id = spec.instanceId;
    this.#spec = spec;
    this.#around = around;
    this.#startedAt = around.clock.nowMs();
    this.#freezeSwitch = new FreezeSwitch(spec.instanceId, around.clock);
    this.#output = new OutputReader({
      clock: around.clock,
      instanceId: spec.instanceId,
      function: spec.function,
      bytesPerSecond: around.configuration.outputBytesPerSecond,
      shared: around.outputBudget,
      sink: around.sink,
    });
    this.listening = this.#listening.promise;
    this.listening.catch(() => {});
    this.exited = this.#live();
  }

  /** Where it is reached; undefined before it is launched. */
  get endpoint(): Endpoint | undefined {
    return this.#launched?.endpoint;
  }

  connect(): Promise<Duplex> {
    return this.#open(false);
  }

  /** A connection of which nothing is read here, to be handed over to another process. */
  connectToHandOver(): Promise<Socket> {
    return this.#open(true);
  }

  async #open(isToHandOver: boolean): Promise<Socket> {
    if (this.#launched === undefined || this.#hasEnded) throw new Error(`Instance ${this.id} does not run`);
    return this.#connector.open(this.#launched.endpoint, isToHandOver);
  }

  ready(): void {
    const { cpu } = this.#spec;
    if (cpu === undefined || this.#launched === undefined || this.#hasEnded) return;
    try {
      this.#launched.cgroup.capCpu(cpu);
    } catch {
      // One that cannot be held to its limits does not run.
      this.destroy();
    }
  }

  freeze(): Promise<void> {
    return this.#freezeSwitch.freeze();
  }

  thaw(): Promise<void> {
    return this.#freezeSwitch.thaw();
  }

  get canFreeze(): boolean {
    return this.#freezeSwitch.canFreeze;
  }

  get usage(): InstanceUsage | undefined {
    return this.#usage;
  }

  ranOutOfMemory(): boolean {
    return this.#outOfMemory || (this.#launched !== undefined && outOfMemoryKillsIn(this.#launched.cgroup.folders) > 0);
  }

  stop(graceMs: number): void {
    if (this.#hasEnded || this.#isDestroyed) return;
    const killAt = this.#around.clock.nowMs() + graceMs;
    if (killAt >= this.#killAt) return;
    const isFirst = this.#killAt === Number.POSITIVE_INFINITY;
    this.#killAt = killAt;
    this.#killTimer?.cancel();
    this.#killTimer = this.#around.clock.wakeAfter(graceMs, () => this.destroy());
    if (!isFirst) return;
    this.#freezeSwitch.end();
    // Before the program is there nobody would hear the signal, and nothing has been served.
    if (this.#launched?.terminate() !== true) this.destroy();
  }

  destroy(): void {
    if (this.#hasEnded || this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#failStart("FunctionNotStarted", "it was ended before it listened");
    this.#kill();
  }

  /** Again and again until it has ended: what a start is just about to run is not there yet to be killed. */
  #kill(): void {
    if (this.#hasEnded || this.#launched === undefined) return;
    this.#launched.kill();
    // What holds the program together is frozen as well, and must see it end.
    this.#freezeSwitch.end();
    this.#killTimer?.cancel();
    this.#killTimer = this.#around.clock.wakeAfter(KILL_AGAIN_MS, () => this.#kill());
  }

  /** Ends the instance when the kernel has killed a part of it for want of memory: what is left would hang. */
  checkMemory(): void {
    if (this.#launched === undefined || this.#outOfMemory || this.#hasEnded) return;
    if (this.#launched.cgroup.outOfMemoryKills() === 0) return;
    this.#runOutOfMemory();
    this.destroy();
  }

  #runOutOfMemory(): void {
    this.#outOfMemory = true;
    this.#failStart("CAExited", `it used more than its memory of ${this.#spec.memoryMb} MB before it listened`);
  }

  /** Reads what it uses, and whether its program still lives; true when its usage has changed. */
  lookAtUsage(): boolean {
    if (this.#launched === undefined || this.#hasEnded) return false;
    // Killed while it is frozen: what holds it together is frozen too, and has not noticed.
    const program = this.#programPid;
    if (program !== undefined && (!isRunning(program) || isKilled(program))) this.#freezeSwitch.end();
    return this.#readUsage(this.#launched);
  }

  #readUsage({ cgroup }: Launched): boolean {
    const before = this.#usage;
    try {
      this.#usage = cgroup.usage(before);
    } catch {
      // Removed from outside: the last look counts.
    }
    return this.#usage !== before;
  }

  async #live(): Promise<ExitReport> {
    let ending: Ending = { code: null, signal: null };
    try {
      const view = this.#around.launcher.view(this.#spec);
      const fault = view && checkStart(this.#spec, view);
      if (fault === undefined) ending = await this.#launchAndWait();
      else this.#failStart(fault.errorType, fault.message);
    } catch (error) {
      if (error instanceof StartError) this.#failStart(error.errorType, error.message);
      else this.#failStart("FunctionNotStarted", error instanceof Error ? error.message : String(error));
    }
    this.#hasEnded = true;
    this.#freezeSwitch.gone();
    this.#connector.gone();
    this.#output.end();
    // What we killed may look different from outside, after the processes around it have passed it on.
    const status = this.#isDestroyed ? { code: undefined, signal: "SIGKILL" } : exitStatus(ending.code, ending.signal);
    return {
      ...status,
      outOfMemory: this.#outOfMemory,
      stderrTail: this.#output.stderrTail,
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
    };
  }

  async #launchAndWait(): Promise<Ending> {
    const { launcher, uids } = this.#around;
    const uid = uids?.take(this.#spec.function);
    if (uids !== undefined && uid === undefined) throw new Error("every user id of the configured range is taken");
    try {
      this.#launched = await launcher.launch({ spec: this.#spec, uid });
      return await this.#accompany(this.#launched);
    } finally {
      uids?.release(this.#spec.function);
    }
  }

  /** From launch to the end of everything inside. */
  async #accompany(launched: Launched): Promise<Ending> {
    const { stdout, stderr, ended, closed } = launched.program;
    this.#output.attach(stdout, "stdout");
    this.#output.attach(stderr, "stderr");
    this.#around.onFootprint(this, launched.footprint());
    if (this.#isDestroyed) this.#kill();
    else this.#watch(launched);

    const ending = await ended;
    this.#stopWatching();
    if (ending.failure !== undefined) this.#failStart("FunctionNotStarted", ending.failure);
    this.checkMemory();
    this.#readUsage(launched);
    this.#hasEnded = true;
    this.#freezeSwitch.gone();
    this.#connector.gone();
    this.#killTimer?.cancel();
    await endFootprint(launched.footprint(), this.#around.clock);
    const patience = new AbortController();
    await Promise.race([closed, sleep(this.#around.clock, OUTPUT_END_LIMIT_MS, patience.signal).catch(() => {})]);
    patience.abort();
    stdout.destroy();
    stderr.destroy();
    await launched.release();
    this.#output.end();
    if (!this.#isDestroyed && launched.ranOutOfMemory?.(ending) === true) this.#runOutOfMemory();
    const fault = this.#describeExit(launched, ending);
    this.#failStart(fault.errorType, fault.message);
    return ending;
  }

  #watch(launched: Launched): void {
    const { clock, configuration } = this.#around;
    this.#stopWatching = watchListening({
      clock,
      look: () => launched.look(),
      onEnd: () => launched.endLook(),
      limitMs: this.#spec.startLimitMs,
      spentMs: clock.nowMs() - this.#startedAt,
      wrongListenGraceMs: configuration.wrongListenGraceMs,
      onReady: () => {
        this.#around.onFootprint(this, launched.footprint());
        this.#programPid = launched.programPid();
        this.#freezeSwitch.listens(launched.cgroup.freezer, launched.freezing);
        this.#listening.resolve();
      },
      onFailed: (reason) => {
        this.#failStart("FunctionNotStarted", reason);
        this.destroy();
      },
    });
  }

  #describeExit(launched: Launched, ending: Ending): StartFault {
    const { code, signal: signalName } = exitStatus(ending.code, ending.signal);
    const how = signalName === undefined ? `exited with code ${code}` : `was ended by ${signalName}`;
    const explained = launched.explainExit(this.#output.stderrTail, code);
    if (explained !== undefined && "errorType" in explained) return explained;
    const remark = explained === undefined ? "" : `: ${explained.remark}`;
    return {
      errorType: "CAExited",
      message: `it ${how} before it listened on port ${this.#spec.caPort}${remark}`,
    };
  }

  /** Does nothing once `listening` is settled. */
  #failStart(errorType: StartError["errorType"], message: string): void {
    this.#listening.reject(new StartError(errorType, message, this.#output.stderrTail));
  }
}
