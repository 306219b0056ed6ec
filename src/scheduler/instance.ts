import { Timer, type TimerWheel } from "../base/base.ts";
import { type Driver, type DriverInstance, type ExitReport, StartError } from "../drivers/driver.ts";
import {
  type Fault,
  fault,
  type InstanceId,
  type InstanceStatus,
  newInstanceId,
  type Revision,
} from "../model/model.ts";
import type { SlotHolder } from "./free-slots.ts";
import { type InstanceState, linkOf } from "./instance-state.ts";
import type { SchedulerLimits } from "./limits.ts";
import type { Link, LinkFactory, LinkObserver } from "./link.ts";
import type { Room, RoomHolder } from "./room.ts";
import { startSpec } from "./start-spec.ts";
import type { StartTurns } from "./start-turns.ts";

/** What a driver that is at the start limit may take to say why: it knows more than that time is over. */
const DRIVER_REPORT_MS = 500;

/** What an instance tells the pool that it belongs to. */
export interface InstanceObserver<L extends Link> {
  /** It takes calls for the first time. */
  instanceReady(instance: Instance<L>): void;
  /** Its free slots have changed. */
  slotsChanged(instance: Instance<L>): void;
  /** It takes no calls for a moment, or does again. */
  pausedChanged(instance: Instance<L>, paused: boolean): void;
  /** Its start failed; it is being destroyed. */
  startFailed(instance: Instance<L>, cause: Fault, stderrTail: string): void;
  /** It takes no calls any more. Told once, before `exited`, whoever wanted it, but not after `startFailed`. */
  retired(instance: Instance<L>): void;
  /** Nothing of it runs any more. `expected`: it was told to stop. */
  exited(instance: Instance<L>, report: ExitReport, expected: boolean): void;
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

/** One running copy of a revision. Its embedded timer is first the limit of its start, then that of its idleness. */
export class Instance<L extends Link> extends Timer implements LinkObserver, SlotHolder, RoomHolder {
  readonly id: InstanceId = newInstanceId();
  readonly revision: Revision;
  /** Monotonic milliseconds. */
  readonly begunAt: number;
  seat = -1;
  rank = -1;
  openCalls = 0;
  /** SlotHolder: above 0 only while it is `ready`, so that a call need not look at the state. */
  capacity = 0;
  readonly #context: InstanceContext<L>;
  readonly #observer: InstanceObserver<L>;
  readonly #driverInstance: DriverInstance;
  readonly #startedAt: number;
  #state: InstanceState<L> = { kind: "starting" };
  #everReady = false;
  #expectedExit = false;
  /** Monotonic milliseconds; undefined while it has calls, or its first ones may be coming. */
  #idleSince: number | undefined;

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

  /** Where calls are sent. Only an instance that has granted slots has one. */
  get link(): L {
    return linkOf(this.#state, "send calls to");
  }

  /** Starting or connecting: may take calls soon. */
  get isStarting(): boolean {
    return this.#state.kind === "starting" || this.#state.kind === "connecting";
  }

  /** Ready or paused: takes calls, now or in a moment. */
  get isServing(): boolean {
    return this.#state.kind === "ready" || this.#state.kind === "paused";
  }

  get isPaused(): boolean {
    return this.#state.kind === "paused";
  }

  /** RoomHolder: only an instance that takes calls and has none can be spared. */
  get idleSince(): number | undefined {
    return this.#state.kind === "ready" ? this.#idleSince : undefined;
  }

  get exited(): Promise<ExitReport> {
    return this.#driverInstance.exited;
  }

  status(): InstanceStatus {
    const phase = this.isStarting ? "starting" : this.isServing ? "ready" : "stopping";
    const { id: instanceId, openCalls } = this;
    return { instanceId, revisionId: this.revision.id, phase, openCalls, startedAt: this.#startedAt };
  }

  /** Takes a slot; the caller has seen that one is free. */
  acquire(): void {
    if (this.openCalls >= this.capacity) {
      throw new Error(`Cannot take a slot of an instance that is ${this.#state.kind} with ${this.openCalls} calls`);
    }
    this.openCalls += 1;
    this.#idleSince = undefined;
  }

  /** Gives one slot back, once for each call. */
  release(): void {
    if (this.openCalls === 0) throw new Error("Cannot free a slot that was not taken");
    this.openCalls -= 1;
    // A call that waits gets the slot right here.
    if (this.capacity > 0) this.#observer.slotsChanged(this);
    if (this.openCalls > 0) return;
    if (this.#state.kind === "draining") this.stop();
    else if (this.isServing) this.#becomeIdle();
  }

  /** No new calls; stopped when the last one has ended. For a redeploy, and after a call that ran into its timeout. */
  drain(): void {
    if (this.isStarting || (this.isServing && this.openCalls === 0)) {
      this.stop();
    } else if (this.#state.kind === "ready" || this.#state.kind === "paused") {
      this.#state = { kind: "draining", link: this.#state.link };
      this.#retire();
    }
  }

  /** As `drain`; the name that a call uses for an instance that it does not trust any more. */
  replace(): void {
    this.drain();
  }

  /** SIGTERM, then SIGKILL; at once SIGKILL where it served no call yet. Calls on it end. */
  stop(graceMs = this.#context.limits.stopGraceMs): void {
    if (this.#state.kind === "gone") return;
    if (this.#state.kind !== "stopping") this.#expectedExit = true;
    const wasStarting = this.isStarting;
    this.#end();
    if (wasStarting) this.#driverInstance.destroy();
    else this.#driverInstance.stop(graceMs);
    this.#context.turns.finished(this);
  }

  /** To `stopping`, from wherever it is; tells the pool, unless that learned of it (draining, a failed start). */
  #end(told = false): void {
    if (this.#state.kind === "stopping") return;
    const before = this.#state;
    this.#state = { kind: "stopping" };
    this.#context.wheel.disarm(this);
    this.#context.room.leave(this);
    if (before.kind !== "draining" && !told) this.#retire();
    if ("link" in before) before.link.close();
  }

  #retire(): void {
    this.capacity = 0;
    this.#observer.slotsChanged(this);
    this.#observer.retired(this);
  }

  #becomeIdle(): void {
    this.#idleSince = this.#context.nowMs();
    // A timer that is armed looks at #idleSince when it fires: calls that come and go arm nothing.
    if (!this.armed) this.#context.wheel.arm(this, this.#context.limits.idleStopMs);
    if (this.#context.turns.someWaitForRoom) this.#context.turns.roomChanged();
  }

  /** The start took too long, or the instance may have been idle long enough. */
  override fire(nowMs: number): void {
    if (this.isStarting) {
      const seconds = this.#context.limits.startLimitMs / 1000;
      this.#failStart(
        fault("FunctionNotStarted", `no HTTP/2 on caPort ${this.revision.caPort} within ${seconds} s`),
        "",
      );
    } else if (this.isServing && this.#idleSince !== undefined) {
      const leftMs = this.#idleSince + this.#context.limits.idleStopMs - nowMs;
      if (leftMs > 0) this.#context.wheel.arm(this, leftMs);
      else this.stop();
    }
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

  #failStart(cause: Fault, stderrTail: string): void {
    this.#expectedExit = true;
    this.#end(true);
    this.#driverInstance.destroy();
    // The turn is given on last: by then the pool knows that it has to pause.
    this.#observer.startFailed(this, cause, stderrTail);
    this.#context.turns.finished(this);
  }

  #exited(report: ExitReport): void {
    if (this.#state.kind === "connecting") {
      const how = report.signal === undefined ? `exited with code ${report.code}` : `was killed by ${report.signal}`;
      this.#failStart(fault("CAExited", `the program ${how} before it spoke HTTP/2`), report.stderrTail);
    }
    this.#end();
    this.#state = { kind: "gone" };
    this.#context.room.free(this);
    this.#observer.exited(this, report, this.#expectedExit);
    this.#context.turns.finished(this);
    this.#context.turns.roomChanged();
  }

  // ---- the link

  ready(streamsMax: number): void {
    if (!this.isStarting && !this.isServing) return;
    if (streamsMax < 1) {
      // A peer that allows no stream is not ready; it may allow some later.
      this.unavailable();
      return;
    }
    const wasPaused = this.isPaused;
    this.#state = { kind: "ready", link: linkOf(this.#state, "make ready") };
    this.capacity = Math.min(this.revision.instanceConcurrency, streamsMax);
    if (this.#everReady) {
      if (wasPaused) this.#observer.pausedChanged(this, false);
      this.#observer.slotsChanged(this);
    } else {
      this.#everReady = true;
      this.#context.wheel.disarm(this);
      this.#observer.instanceReady(this);
      if (this.isServing && this.openCalls === 0) this.#becomeIdle();
      this.#context.turns.finished(this);
    }
  }

  unavailable(): void {
    if (this.#state.kind !== "ready") return;
    this.#state = { kind: "paused", link: this.#state.link };
    this.capacity = 0;
    this.#observer.pausedChanged(this, true);
    this.#observer.slotsChanged(this);
  }

  lost(cause: Fault): void {
    if (this.isStarting) {
      this.#failStart(cause, "");
    } else if (this.#state.kind !== "stopping" && this.#state.kind !== "gone") {
      this.#end();
      this.#driverInstance.destroy();
    }
  }
}
