import { Timer, type TimerWheel } from "../../base/base.ts";
import { type Driver, type DriverInstance, type ExitReport, StartError } from "../../drivers/driver.ts";
import {
  type Fault,
  fault,
  type InstanceId,
  type InstanceStatus,
  newInstanceId,
  type Revision,
} from "../../model/model.ts";
import type { SchedulerLimits } from "../limits.ts";
import type { Link, LinkFactory, LinkObserver } from "../link.ts";
import type { Room, RoomHolder } from "../scaling/room.ts";
import type { StartTurns } from "../scaling/start-turns.ts";
import type { SlotHolder } from "../slots/free-slots.ts";
import { Fitness } from "./fitness.ts";
import { type Availability, type InstanceState, linkOf, type Settled } from "./instance-state.ts";
import { Rest, type Sleeper } from "./rest.ts";
import { startSpec } from "./start-spec.ts";

/** What a driver that is at the start limit may take to say why: it knows more than that time is over. */
const DRIVER_REPORT_MS = 500;

const BYTES_PER_MB = 1024 * 1024;

/** What an instance tells the pool that it belongs to. */
export interface InstanceObserver<L extends Link> {
  /** It may take calls for the first time. */
  instanceReady(instance: Instance<L>): void;
  /** Its free slots have changed. */
  slotsChanged(instance: Instance<L>): void;
  /** Its `availability` and `capacity` may be others. */
  availabilityChanged(instance: Instance<L>): void;
  /** Its start failed; it is being destroyed. */
  startFailed(instance: Instance<L>, cause: Fault, stderrTail: string): void;
  /** It takes no calls any more. Told once, before `exited`, whoever wanted it, but not after `startFailed`. */
  retired(instance: Instance<L>): void;
  /** Whether it must not be stopped for its idleness: others have so many calls that it would be started again. */
  isNeededSpare(instance: Instance<L>): boolean;
  /** Nothing of it runs any more. `expected`: it was told to stop. */
  exited(instance: Instance<L>, report: ExitReport, expected: boolean): void;
  /** Something about it that the developer of the function should know, the same of all instances of its revision. */
  remark(instance: Instance<L>, words: string): void;
  /** Its health check fails, or passes again; `words` say so. */
  healthChanged(instance: Instance<L>, words: string): void;
}

/** What instances of one scheduler share. */
export interface InstanceContext<L extends Link> {
  readonly driver: Driver;
  readonly links: LinkFactory<L>;
  readonly wheel: TimerWheel;
  readonly limits: SchedulerLimits;
  readonly region: string;
  readonly room: Room<Instance<L>>;
  readonly turns: StartTurns;
  nowMs(): number;
  epochMs(): number;
}

/**
 * One running copy of a revision; instance-state.ts draws its life. Its embedded timer is the limit of its start.
 */
export class Instance<L extends Link> extends Timer implements LinkObserver, SlotHolder, RoomHolder {
  readonly id: InstanceId = newInstanceId();
  readonly revision: Revision;
  /** Monotonic milliseconds. */
  readonly begunAt: number;
  seat = -1;
  rank = -1;
  openCalls = 0;
  /** SlotHolder: above 0 only while it takes calls, so that a call need not look at the state. */
  capacity = 0;
  provisioned = false;
  #keepsCpu = false;
  readonly #context: InstanceContext<L>;
  readonly #observer: InstanceObserver<L>;
  readonly #driverInstance: DriverInstance;
  readonly #startedAt: number;
  #state: InstanceState<L> = { kind: "starting" };
  /** Its idle times; there from when it takes calls on. */
  #rest: Rest | undefined;
  /** Calls that its connection takes at once; 0 while it is being opened anew. */
  #streamsMax = 0;
  #expectedExit = false;

  /** Begins its start. */
  constructor(revision: Revision, context: InstanceContext<L>, observer: InstanceObserver<L>) {
    super();
    this.revision = revision;
    this.#context = context;
    this.#observer = observer;
    this.begunAt = context.nowMs();
    this.#startedAt = context.epochMs();
    this.#driverInstance = context.driver.start(startSpec(this.id, revision, context.limits, context.region));
    context.room.take(this);
    context.turns.began(this, this.begunAt);
    const listened = this.#driverInstance.listening.then(
      () => this.#listening(),
      (error: unknown) => this.#startError(error),
    );
    // Where it exits before it listens, `listening` says why, so that comes first.
    void this.#driverInstance.exited.then((report) => listened.then(() => this.#exited(report)));
    context.wheel.arm(this, context.limits.startLimitMs + DRIVER_REPORT_MS);
  }

  /** Kept ready whether there are calls or not; set by its pool. `keepsCpu`: it is not frozen either. */
  provision(provisioned: boolean, keepsCpu: boolean): void {
    this.provisioned = provisioned;
    this.#keepsCpu = provisioned && keepsCpu;
    if (this.#keepsCpu) this.wake();
  }

  /** Where calls are sent. Only an instance that has granted slots has one. */
  get link(): L {
    return linkOf(this.#state, "send calls to");
  }

  /** May take calls for the first time soon. */
  get isStarting(): boolean {
    const { kind } = this.#state;
    return kind === "starting" || kind === "connecting" || kind === "preparing";
  }

  /** How it can serve a call. */
  get availability(): Availability {
    const state = this.#state;
    if (state.kind !== "serving" || !state.fitness.isHealthy) return "none";
    switch (state.rest.state) {
      case "awake":
        return this.#streamsMax > 0 ? "now" : "soon";
      case "waking":
        return "soon";
      default:
        return "asleep";
    }
  }

  /** CPU seconds of its life so far; undefined where that is not known. */
  get cpuSeconds(): number | undefined {
    return this.#driverInstance.usage?.cpuSeconds;
  }

  /** It runs, but gets no new calls since its health check fails. */
  get isUnhealthy(): boolean {
    return this.#state.kind === "serving" && !this.#state.fitness.isHealthy;
  }

  /** RoomHolder: one without calls can be spared, unless calls may be waiting for it. */
  get idleSince(): number | undefined {
    if (this.provisioned || this.#state.kind !== "serving" || this.availability === "soon") return undefined;
    return this.#state.rest.idleSince;
  }

  get exited(): Promise<ExitReport> {
    return this.#driverInstance.exited;
  }

  status(): InstanceStatus {
    const { id: instanceId, openCalls } = this;
    const { usage } = this.#driverInstance;
    return {
      instanceId,
      revisionId: this.revision.id,
      ...(this.revision.versionId !== undefined && { versionId: this.revision.versionId }),
      phase: this.#phase(),
      openCalls,
      startedAt: this.#startedAt,
      slots: this.revision.instanceConcurrency,
      ...(this.provisioned && { provisioned: true }),
      ...(usage && { memoryUsedMb: usage.memoryBytes / BYTES_PER_MB }),
    };
  }

  #phase(): InstanceStatus["phase"] {
    if (this.isStarting) return "starting";
    if (this.#state.kind !== "serving") return "stopping";
    if (!this.#state.fitness.isHealthy) return "unhealthy";
    return this.#state.rest.state === "frozen" ? "frozen" : "ready";
  }

  // ---- its calls

  /** Takes a slot; the caller has seen that one is free. */
  acquire(): void {
    if (this.openCalls >= this.capacity) {
      throw new Error(`Cannot take a slot of an instance that is ${this.#state.kind} with ${this.openCalls} calls`);
    }
    this.openCalls += 1;
    if (this.#rest !== undefined) this.#rest.idleSince = undefined;
  }

  /** Gives one slot back, once for each call. */
  release(): void {
    if (this.openCalls === 0) throw new Error("Cannot free a slot that was not taken");
    this.openCalls -= 1;
    // A call that waits gets the slot right here.
    if (this.capacity > 0) this.#observer.slotsChanged(this);
    if (this.openCalls > 0) return;
    if (this.#state.kind === "draining") this.stop();
    else this.#idleAgain();
  }

  #idleAgain(): void {
    if (this.#state.kind !== "serving" || this.openCalls > 0) return;
    this.#state.rest.begin(this.#context.nowMs());
    if (this.#context.turns.someWaitForRoom) this.#context.turns.roomChanged();
  }

  /** Has it take calls again where it is asleep; the pool is told when it does. */
  wake(): void {
    if (this.#state.kind === "serving") this.#state.rest.wake();
  }

  // ---- its end

  /** No new calls; stopped when the last one has ended. For a redeploy, and after a call that ran into its timeout. */
  drain(): void {
    if (this.#state.kind === "serving" && this.openCalls > 0) {
      this.#state = { ...this.#state, kind: "draining" };
      this.#state.fitness.end();
      this.#retire();
    } else if (this.isStarting || this.#state.kind === "serving") {
      this.stop();
    }
  }

  /** As `drain`; the name that a call uses for an instance that it does not trust any more. */
  replace(): void {
    this.drain();
  }

  /**
   * /pre-stop where the function wants it, SIGTERM, then SIGKILL; at once SIGKILL where it served no call yet. Calls on
   * it end. `hookLimitMs`: what /pre-stop may take at the most.
   */
  stop(graceMs = this.#context.limits.stopGraceMs, hookLimitMs = Number.POSITIVE_INFINITY): void {
    const { kind } = this.#state;
    if (kind === "gone") return;
    if (kind !== "stopping") this.#expectedExit = true;
    const state = this.#state;
    if ((state.kind === "serving" || state.kind === "draining") && this.revision.hooks?.preStop !== undefined) {
      void this.#leave({ ...state, kind: state.kind }, graceMs, hookLimitMs);
      return;
    }
    // One that is being asked goes when it has answered, unless there is less time now.
    if (kind === "leaving" && hookLimitMs === Number.POSITIVE_INFINITY) return;
    const wasStarting = this.isStarting;
    this.#end();
    if (wasStarting) this.#driverInstance.destroy();
    else this.#driverInstance.stop(graceMs);
    this.#context.turns.finished(this);
  }

  /** Asks for /pre-stop, then stops it. */
  async #leave(before: Settled<L, "serving" | "draining">, graceMs: number, hookLimitMs: number): Promise<void> {
    const { fitness, rest } = before;
    this.#withdraw();
    this.#state = { ...before, kind: "leaving" };
    const problem = rest.state === "awake" ? undefined : await rest.thaw();
    if (problem === undefined && this.#state.kind === "leaving") await fitness.hook("preStop", hookLimitMs);
    if (this.#state.kind !== "leaving") return;
    this.#end();
    this.#driverInstance.stop(graceMs);
  }

  /** Takes no calls from now on and gives its room back; the pool is told, unless it knows. */
  #withdraw(isKnown = false): void {
    const state = this.#state;
    this.#context.wheel.disarm(this);
    this.#context.room.leave(this);
    if ("fitness" in state) state.fitness.end();
    if ("rest" in state) state.rest.end();
    if (!isKnown && state.kind !== "draining" && state.kind !== "leaving") this.#retire();
  }

  /** To `stopping`, from wherever it is. */
  #end(isKnown = false): void {
    if (this.#state.kind === "stopping") return;
    const before = this.#state;
    this.#withdraw(isKnown);
    this.#state = { kind: "stopping" };
    if ("link" in before) before.link.close();
  }

  #retire(): void {
    this.capacity = 0;
    this.#observer.slotsChanged(this);
    this.#observer.retired(this);
  }

  // ---- the driver's instance

  #listening(): void {
    if (this.#state.kind !== "starting") return;
    const { limits, links, wheel } = this.#context;
    wheel.arm(this, this.begunAt + limits.startLimitMs - this.#context.nowMs());
    try {
      this.#state = { kind: "connecting", link: links.open(this.#driverInstance, this.revision, this) };
    } catch (error) {
      this.#failStart(fault("Internal", `the link to the instance cannot be opened: ${String(error)}`), "");
    }
  }

  #startError(error: unknown): void {
    if (this.#state.kind !== "starting") return;
    const known = error instanceof StartError ? error : new StartError("FunctionNotStarted", String(error), "");
    this.#failStart(fault(known.errorType, known.message), known.stderrTail);
  }

  /** Its start took too long. */
  override fire(): void {
    if (!this.isStarting) return;
    const seconds = this.#context.limits.startLimitMs / 1000;
    const cause = `no HTTP/2 on caPort ${this.revision.caPort} within ${seconds} s`;
    // What listens and stays silent is not what never listened.
    const errorType = this.#state.kind === "starting" ? "FunctionNotStarted" : "NotHttp2";
    this.#failStart(fault(errorType, cause), "");
  }

  #failStart(cause: Fault, stderrTail: string): void {
    this.#expectedExit = true;
    this.#end(true);
    this.#driverInstance.destroy();
    // The turn is given on last: by then the pool knows that it has to pause.
    this.#observer.startFailed(this, cause, stderrTail);
    this.#context.turns.finished(this);
  }

  #exited(report: ExitReport): void {
    // First, so that who waited for room is before those whom the rest of this has start.
    this.#context.room.free(this);
    this.#context.turns.roomChanged();
    if (this.#state.kind === "connecting" || this.#state.kind === "preparing") {
      const how = report.signal === undefined ? `exited with code ${report.code}` : `was killed by ${report.signal}`;
      const when = this.#state.kind === "connecting" ? "before it spoke HTTP/2" : "before it took calls";
      this.#failStart(fault("CAExited", `the program ${how} ${when}`), report.stderrTail);
    }
    this.#end();
    this.#state = { kind: "gone" };
    this.#observer.exited(this, report, this.#expectedExit);
    this.#context.turns.finished(this);
  }

  // ---- the link

  ready(streamsMax: number): void {
    this.#streamsMax = streamsMax;
    // A peer that allows no stream is not ready; it may allow some later.
    if (this.#state.kind === "connecting" && streamsMax >= 1) this.#prepare(this.#state.link);
    else this.#show();
  }

  unavailable(): void {
    this.#streamsMax = 0;
    this.#show();
  }

  lost(cause: Fault): void {
    if (this.isStarting) {
      this.#failStart(cause, "");
    } else if (this.#state.kind !== "stopping" && this.#state.kind !== "gone") {
      this.#end();
      this.#driverInstance.destroy();
    }
  }

  /** What comes between the first SETTINGS and the first call. */
  #prepare(link: L): void {
    // The limit of a start ends here; what follows has limits of its own.
    this.#context.wheel.disarm(this);
    const fitness = new Fitness(this.revision, link, this.#context.wheel, {
      prepared: () => this.#serve(link, fitness),
      unprepared: (cause) => this.#failStart(cause, ""),
      healthChanged: (words) => {
        this.#observer.healthChanged(this, words);
        this.#show();
      },
      remark: (words) => this.#observer.remark(this, words),
    });
    this.#state = { kind: "preparing", link, fitness };
    fitness.begin();
  }

  #serve(link: L, fitness: Fitness): void {
    const { wheel, limits, turns } = this.#context;
    const instance = this.#driverInstance;
    const rest = new Rest({ instance, link, wheel, limits, sleeper: this.#sleeper(fitness) });
    this.#rest = rest;
    this.#state = { kind: "serving", link, fitness, rest };
    instance.ready();
    this.#updateCapacity();
    this.#observer.instanceReady(this);
    this.#idleAgain();
    turns.finished(this);
  }

  #sleeper(fitness: Fitness): Sleeper {
    const instance = this;
    return {
      // One that is unhealthy, or connects anew, must run to become well again.
      get mayFreeze() {
        return instance.availability === "now" && !instance.#keepsCpu;
      },
      get mayStop() {
        return !instance.provisioned && !instance.#observer.isNeededSpare(instance);
      },
      get isAsking() {
        return fitness.isAsking;
      },
      beforeFreeze: () => fitness.hook("preFreeze"),
      restChanged: () => this.#restChanged(fitness),
      idledOut: () => this.stop(),
      lostAsleep: (problem) => this.lost(fault("FunctionUnresponsive", `the instance did not wake up: ${problem}`)),
      remark: (words) => this.#observer.remark(this, words),
    };
  }

  #restChanged(fitness: Fitness): void {
    const state = this.#rest?.state;
    if (state === "freezing") fitness.pause();
    else if (state === "awake") fitness.resume();
    this.#show();
    if (state === "awake") this.#idleAgain();
  }

  /** Its availability may be another. */
  #show(): void {
    if (this.#state.kind !== "serving") return;
    this.#updateCapacity();
    this.#observer.availabilityChanged(this);
  }

  #updateCapacity(): void {
    const takesCalls = this.availability === "now";
    this.capacity = takesCalls ? Math.min(this.revision.instanceConcurrency, this.#streamsMax) : 0;
  }
}
