import type { EventQueue } from "../../../src/base/testing/event-queue.ts";
import type { Fault } from "../../../src/model/model.ts";
import type { SchedulerLimits } from "../../../src/scheduler/scheduler.ts";
import type { SimCall } from "./sim-call.ts";
import type { SimFunction } from "./sim-function.ts";
import type { SimInstance } from "./sim-instance.ts";

/** A start counts against startsAtOnceMax for so long at the most (src/scheduler/start-turns.ts). */
const TURN_MAX_MS = 10_000;
/** A wait at the start limit leaves the start so much to say why it failed. */
const AFTER_START_LIMIT_MS = 1000;
/** What a driver at the start limit may take before the scheduler gives the start up. */
const DRIVER_REPORT_MS = 500;
/** The timer wheel's slot is 4 ms wide; two timers may follow each other. */
const TIMER_SLACK_MS = 10;

/**
 * Looks at everything that the scheduler does and is told, and says what should not be: from counts of its own that
 * each event changes by little, never from the scheduler's.
 */
export class Checker {
  /** What was wrong first; undefined: nothing. */
  violation: string | undefined;
  draining = false;
  readonly functions: SimFunction[] = [];
  readonly startsRunning = new Set<SimInstance>();
  instanceCount = 0;
  memoryMb = 0;
  leavingMemoryMb = 0;
  readonly counts = { calls: 0, granted: 0, refused: 0, left: 0, starts: 0, failedStarts: 0, exits: 0, stops: 0 };
  readonly #limits: SchedulerLimits;
  readonly #clock: EventQueue;
  readonly #dirty: SimFunction[] = [];
  /** Functions that have had a start in this event. */
  readonly #grown = new Set<SimFunction>();
  /** Exited in this event before it listened: the scheduler hears that its start failed, then that its room is free. */
  #failedByExit: SimInstance | undefined;
  /** Functions that want a first start. */
  readonly #wanting = new Set<SimFunction>();
  /** Calls that wait, of all functions, in the order of their arrival; those before `#firstWaiting` are over. */
  #waiting: SimCall[] = [];
  #firstWaiting = 0;

  constructor(limits: SchedulerLimits, clock: EventQueue) {
    this.#limits = limits;
    this.#clock = clock;
  }

  check(holds: boolean, problem: () => string): void {
    if (!holds) this.violation ??= problem();
  }

  touch(fn: SimFunction): void {
    if (fn.isDirty) return;
    fn.isDirty = true;
    this.#dirty.push(fn);
  }

  // ---- calls

  callArrives(call: SimCall): void {
    this.counts.calls += 1;
    call.fn.waitingCount += 1;
    this.touch(call.fn);
  }

  /** It was not answered at once. */
  callWaits(call: SimCall): void {
    call.isArriving = false;
    call.fn.waitingCalls.push(call);
    this.#waiting.push(call);
  }

  callGranted(call: SimCall, instance: SimInstance, inTurn: boolean): void {
    const { fn } = call;
    this.counts.granted += 1;
    this.check(call.state === "waiting", () => `${call} gets a slot, but is ${call.state}`);
    this.check(inTurn, () => `${call} gets a slot before calls that wait longer`);
    this.check(instance.pool.fn === fn, () => `${call} gets a slot on ${instance}, of another function`);
    this.check(instance.pool === fn.serving, () => `${call} gets a slot on ${instance}, whose revision does not serve`);
    this.check(instance.phase === "serving", () => `${call} gets a slot on ${instance}, which is ${instance.phase}`);
    this.check(!instance.isStopping && !instance.isGone, () => `${call} gets a slot on ${instance}, which ends`);
    this.check(instance.rest === "awake", () => `${call} gets a slot on ${instance}, which is ${instance.rest}`);
    const open = instance.calls.size + 1;
    this.check(open <= instance.slots, () => `${instance} gets call ${open}, but takes ${instance.slots}`);
    this.check(fn.instancesMax > 0, () => `${call} gets a slot, but its function is blocked`);
    fn.waitingCount -= 1;
    instance.calls.add(call);
    instance.idleSince = Number.NaN;
    this.#counted(instance);
  }

  callEnds(call: SimCall, instance: SimInstance): void {
    instance.calls.delete(call);
    if (instance.calls.size === 0 && instance.phase === "serving") instance.idleSince = this.#clock.nowMs();
    this.#counted(instance);
  }

  callRefused(call: SimCall, fault: Fault): void {
    this.counts.refused += 1;
    this.check(call.state === "waiting", () => `${call} is refused, but is ${call.state}`);
    this.check(this.#mayRefuse(call), () => `${call} is refused without need: ${fault.message}`);
    call.fn.waitingCount -= 1;
    this.touch(call.fn);
  }

  callLeaves(call: SimCall): void {
    this.counts.left += 1;
    call.fn.waitingCount -= 1;
    this.touch(call.fn);
  }

  #mayRefuse(call: SimCall): boolean {
    const { fn } = call;
    const pool = fn.serving;
    if (this.draining || pool === undefined || fn.instancesMax === 0) return true;
    if (call.isArriving && fn.waitingCount > this.#limits.queueCallsMax) return true;
    const now = this.#clock.nowMs();
    const givenUp = pool.givenUp(now, this.#limits.idleStopMs);
    if (pool.serving === givenUp && pool.coming === givenUp) {
      if (now < pool.pausedUntil) return true;
      const room = this.#limits.hostMemoryMb - this.memoryMb + this.leavingMemoryMb;
      if (pool.revision.memoryMb > room) return true;
    }
    const waitedMs = now - call.arrivedAt;
    const { startLimitMs, queueWaitAtLimitMs } = this.#limits;
    return waitedMs >= (pool.coming > 0 ? startLimitMs : Math.min(startLimitMs, queueWaitAtLimitMs));
  }

  // ---- instances

  startBegins(instance: SimInstance): void {
    const { pool } = instance;
    const { fn } = pool;
    const limits = this.#limits;
    this.counts.starts += 1;
    this.check(!this.draining, () => `${instance} is started while Sluice stops`);
    this.check(fn.entry !== undefined, () => `${instance} is started, but its function was removed`);
    this.check(pool === fn.serving || pool === fn.next, () => `${instance} is started of a revision that was replaced`);
    const surge = pool === fn.next ? 1 : 0;
    this.check(
      this.instanceCount < limits.instancesMax + surge,
      () => `${instance} is started beside ${this.instanceCount} instances, of ${limits.instancesMax}`,
    );
    const memoryMb = this.memoryMb + pool.revision.memoryMb;
    this.check(memoryMb <= limits.hostMemoryMb, () => `${instance} takes memory to ${memoryMb} MB`);
    this.check(
      this.#turnsTaken(0) < limits.startsAtOnceMax,
      () => `${instance} is started beside ${this.#turnsTaken(0)} starts`,
    );
    const now = this.#clock.nowMs();
    const coming = pool.coming - pool.givenUp(now, this.#limits.idleStopMs);
    this.check(
      !pool.isFailing || (now >= pool.pausedUntil && coming === 0),
      () => `${instance} is started ${pool.pausedUntil - now} ms before the pause after a failed start is over`,
    );
    if (pool === fn.next) {
      this.check(pool.startsEver === 0, () => `${instance} is one more start of a revision that does not serve yet`);
    } else {
      // Looked at after the event: one that is given up may still count here.
      this.#grown.add(fn);
    }
    this.#checkTurn(fn);
    pool.startsEver += 1;
    pool.starting += 1;
    pool.instances.add(instance);
    this.instanceCount += 1;
    this.memoryMb += pool.revision.memoryMb;
    this.startsRunning.add(instance);
    this.touch(fn);
  }

  /** It takes calls: a newer revision serves from here. */
  firstReady(instance: SimInstance, streamsMax: number): void {
    const { pool } = instance;
    const { fn } = pool;
    this.startsRunning.delete(instance);
    pool.startWorked();
    instance.serve(streamsMax, this.#clock.nowMs());
    if (fn.next === pool) fn.switchTo(pool);
    this.#counted(instance);
  }

  sleeps(instance: SimInstance, rest: SimInstance["rest"]): void {
    this.check(rest !== "asleep" || instance.calls.size === 0, () => `${instance} is frozen with calls`);
    instance.sleep(rest, this.#clock.nowMs());
    // Who has just been woken counts as idle from then on.
    if (rest === "awake" && instance.phase === "serving") instance.idleSince = this.#clock.nowMs();
    this.#counted(instance);
  }

  allows(instance: SimInstance, streamsMax: number): void {
    instance.allow(streamsMax);
    this.#counted(instance);
  }

  /** It takes no new calls. */
  retires(instance: SimInstance): void {
    instance.retire();
    this.#counted(instance);
  }

  /** The scheduler ends it, by SIGTERM or (`kill`) SIGKILL. */
  isEnded(instance: SimInstance, kill: boolean): void {
    const { pool, phase } = instance;
    const now = this.#clock.nowMs();
    this.startsRunning.delete(instance);
    if (phase === "starting") {
      const late = now - instance.begunAt >= this.#limits.startLimitMs;
      this.check(instance.hasFailed || late || this.draining, () => `${instance} is given up, but its start goes well`);
      this.counts.failedStarts += 1;
      if (pool === pool.fn.next && !this.draining) pool.failed = true;
      pool.startFailed(instance.begunAt, now, this.#limits.backOffFirstMs, this.#limits.backOffMaxMs);
    } else if (phase === "serving" && !this.draining) {
      const idle = now - instance.idleSince >= this.#limits.idleStopMs;
      this.check(
        idle || this.#someoneNeedsRoom(),
        () => `${instance} is stopped, but serves and was not idle for long`,
      );
    }
    this.check(
      instance.calls.size === 0 || this.draining,
      () => `${instance} is ${kill ? "killed" : "stopped"} with ${instance.calls.size} calls`,
    );
    if (!instance.isStopping && !instance.isGone) {
      this.leavingMemoryMb += pool.revision.memoryMb;
      this.counts.stops += 1;
    }
    this.retires(instance);
    if (phase === "starting" && !this.draining) pool.fn.passOver();
  }

  exits(instance: SimInstance): void {
    const { pool } = instance;
    this.counts.exits += 1;
    if (instance.phase === "starting" && instance.link === undefined) this.#failedByExit = instance;
    this.instanceCount -= 1;
    this.memoryMb -= pool.revision.memoryMb;
    if (instance.isStopping) this.leavingMemoryMb -= pool.revision.memoryMb;
    this.startsRunning.delete(instance);
    pool.instances.delete(instance);
    if (pool.instances.size === 0) pool.fn.retired.delete(pool);
    if (instance.phase === "serving") instance.retire();
    this.#counted(instance);
  }

  #counted(instance: SimInstance): void {
    instance.countFree();
    this.touch(instance.pool.fn);
  }

  // ---- after an event

  /** Looks at the functions that the event has changed. */
  afterEvent(): void {
    for (const fn of this.#dirty) {
      fn.isDirty = false;
      this.checkFunction(fn);
    }
    this.#dirty.length = 0;
    for (const { serving, key, instancesMax } of this.#grown) {
      const count = (serving?.starting ?? 0) + (serving?.serving ?? 0);
      this.check(count <= instancesMax, () => `${key} grows to ${count} instances of at most ${instancesMax}`);
    }
    this.#grown.clear();
    this.#failedByExit = undefined;
    this.#checkLongestWait();
  }

  checkFunction(fn: SimFunction): void {
    const pool = fn.serving;
    if (pool === undefined || fn.instancesMax === 0 || this.draining) {
      this.check(fn.waitingCount === 0, () => `${fn.waitingCount} calls wait for ${fn.key}, which takes none`);
      this.#stopsWanting(fn);
      return;
    }
    if (fn.waitingCount > 0) {
      this.check(
        pool.freeSlots === 0,
        () => `${fn.waitingCount} calls of ${fn.key} wait beside ${pool.freeSlots} free slots`,
      );
      const missing = fn.waitingCount - pool.coming * pool.callsPerInstance;
      this.check(missing <= 0 || this.isLimited(fn), () => `${missing} calls of ${fn.key} wait for no start`);
      const hopeless = !pool.isAlive && fn.next?.isAlive !== true && this.#clock.nowMs() < pool.pausedUntil;
      this.check(
        !hopeless || this.#turnsAreTaken(),
        () => `${fn.waitingCount} calls of ${fn.key} wait though its starts fail`,
      );
    }
    const wants = fn.waitingCount > 0 && !pool.isAlive && !pool.isFailing && fn.next === undefined;
    if (!wants) this.#stopsWanting(fn);
    else if (fn.overtakenBy === undefined) {
      fn.overtakenBy = new Map();
      this.#wanting.add(fn);
    }
  }

  /** Something keeps `fn` from starting one more instance of the revision that serves. */
  isLimited(fn: SimFunction): boolean {
    const pool = fn.serving;
    if (pool === undefined || pool.starting + pool.serving >= fn.instancesMax) return true;
    if (pool.isFailing && (pool.coming > 0 || this.#clock.nowMs() < pool.pausedUntil + TIMER_SLACK_MS)) return true;
    // A newer revision that waits for room keeps its function's place in line; smaller starts wait with it.
    if (fn.next !== undefined && !fn.next.failed && !fn.next.isAlive) return true;
    return !this.#hasRoom(fn) || this.#turnsAreTaken();
  }

  #stopsWanting(fn: SimFunction): void {
    fn.overtakenBy = undefined;
    this.#wanting.delete(fn);
  }

  /** Its place among those that want to start was given up: a deploy begins anew. */
  wantsAnew(fn: SimFunction): void {
    this.#stopsWanting(fn);
    this.touch(fn);
  }

  /** `beside`: an instance that takes room though it is gone. */
  #hasRoom(fn: SimFunction, beside?: SimInstance): boolean {
    const memoryMb = (fn.serving?.revision.memoryMb ?? 0) + (beside?.pool.revision.memoryMb ?? 0);
    const { instancesMax, hostMemoryMb } = this.#limits;
    const instances = this.instanceCount + (beside === undefined ? 0 : 1);
    return instances < instancesMax && this.memoryMb + memoryMb <= hostMemoryMb;
  }

  #turnsAreTaken(): boolean {
    return this.#turnsTaken(TIMER_SLACK_MS) >= this.#limits.startsAtOnceMax;
  }

  /** Starts that hold a turn: which of them are over, the scheduler's timer tells it up to `slackMs` late. */
  #turnsTaken(slackMs: number): number {
    const nowMs = this.#clock.nowMs();
    let taken = 0;
    for (const instance of this.startsRunning) {
      const overForMs = nowMs - instance.begunAt - TURN_MAX_MS;
      if (overForMs > TIMER_SLACK_MS) this.startsRunning.delete(instance);
      else if (overForMs < slackMs) taken += 1;
    }
    return taken;
  }

  /** A start of `fn` while others wait for their first: each may be overtaken once by each other function. */
  #checkTurn(fn: SimFunction): void {
    this.#stopsWanting(fn);
    for (const other of this.#wanting) {
      const overtakenBy = other.overtakenBy as Map<SimFunction, number>;
      // Without room for it others with less memory go first, and it waits in line again.
      if (!this.#hasRoom(other, this.#failedByExit)) {
        overtakenBy.clear();
        continue;
      }
      const starts = (overtakenBy.get(fn) ?? 0) + 1;
      overtakenBy.set(fn, starts);
      this.check(starts <= 1, () => `${fn.key} has ${starts} starts while ${other.key} waits for its first`);
    }
  }

  /** Whether someone waits for room, so that instances that are idle have to go. */
  #someoneNeedsRoom(): boolean {
    return this.functions.some(
      (fn) => (fn.waitingCount > 0 && fn.serving !== undefined) || (fn.next !== undefined && !fn.next.failed),
    );
  }

  #checkLongestWait(): void {
    const { startLimitMs, queueWaitAtLimitMs } = this.#limits;
    const longestMs = startLimitMs + DRIVER_REPORT_MS + AFTER_START_LIMIT_MS + queueWaitAtLimitMs + TIMER_SLACK_MS;
    for (;;) {
      const call = this.#waiting[this.#firstWaiting];
      if (call === undefined) break;
      if (call.state === "waiting") {
        const waitedMs = this.#clock.nowMs() - call.arrivedAt;
        this.check(waitedMs <= longestMs, () => `${call} waits for ${waitedMs} ms`);
        break;
      }
      this.#firstWaiting += 1;
    }
    if (this.#firstWaiting < 1000) return;
    this.#waiting = this.#waiting.slice(this.#firstWaiting);
    this.#firstWaiting = 0;
  }
}
