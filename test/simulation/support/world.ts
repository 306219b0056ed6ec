import type { Logger } from "../../../src/base/base.ts";
import { EventQueue, SimulatedEvent } from "../../../src/base/testing/event-queue.ts";
import type { StartSpec } from "../../../src/drivers/driver.ts";
import { type Fault, fault } from "../../../src/model/model.ts";
import { type ScheduledInstance, Scheduler, type SchedulerLimits } from "../../../src/scheduler/scheduler.ts";
import { Checker } from "./checker.ts";
import type { Dice } from "./dice.ts";
import { InstanceLife } from "./instance-life.ts";
import { Operator } from "./operator.ts";
import { type CallObserver, SimCall } from "./sim-call.ts";
import { SimDriver } from "./sim-driver.ts";
import type { SimFunction } from "./sim-function.ts";
import { SimInstance, type SimLink } from "./sim-instance.ts";
import type { Trace } from "./trace.ts";

class Arrival extends SimulatedEvent {
  readonly fn: SimFunction;
  readonly #world: World;

  constructor(fn: SimFunction, world: World) {
    super();
    this.fn = fn;
    this.#world = world;
  }

  override happen(): void {
    this.#world.arrivalDue(this);
  }
}

/** The real scheduler among functions, callers and an operator who are all played by dice. */
export class World implements CallObserver {
  readonly clock = new EventQueue();
  readonly dice: Dice;
  readonly limits: SchedulerLimits;
  readonly trace: Trace;
  readonly checker: Checker;
  readonly functions: readonly SimFunction[];
  readonly scheduler: Scheduler<SimLink>;
  /** Something was told by a promise, or done that promises may follow. */
  isUnsettled = false;
  /** What happened to the scheduler: the clock's wake-ups do not count. */
  eventCount = 0;
  instanceCount = 0;
  readonly #life: InstanceLife;
  readonly #operator: Operator;
  readonly #arrivals: readonly Arrival[];

  constructor(dice: Dice, limits: SchedulerLimits, functions: readonly SimFunction[], trace: Trace) {
    this.dice = dice;
    this.limits = limits;
    this.trace = trace;
    this.functions = functions;
    this.checker = new Checker(limits, this.clock);
    this.checker.functions.push(...functions);
    this.#life = new InstanceLife(this);
    this.scheduler = new Scheduler<SimLink>({
      driver: new SimDriver((spec) => this.#start(spec)),
      links: { open: (instance, _revision, observer) => this.#life.openLink(instance as SimInstance, observer) },
      clock: this.clock,
      region: "local",
      limits,
      logger: this.#logger(),
      events: {
        statusChanged: (key) => {
          const fn = functions.find((other) => other.key === key);
          if (fn !== undefined) fn.statusIsOld = true;
        },
        instanceExited() {},
        startFailed() {},
        remark() {},
      },
    });
    this.#operator = new Operator(this);
    this.#arrivals = functions.map((fn) => new Arrival(fn, this));
  }

  /** Everybody begins. */
  begin(): void {
    this.#operator.begin();
    for (const arrival of this.#arrivals) this.#scheduleArrival(arrival);
  }

  /** No more calls come, and nobody deploys anything. */
  quieten(): void {
    this.#operator.end();
    for (const arrival of this.#arrivals) this.clock.cancel(arrival);
  }

  removeAll(): void {
    for (const fn of this.functions) if (fn.entry !== undefined) this.#operator.remove(fn);
  }

  /** Sluice stops; resolves when no instance runs. */
  stopAll(): Promise<void> {
    this.note("Sluice stops", "everything");
    this.checker.draining = true;
    this.isUnsettled = true;
    return this.scheduler.stopAll(this.limits.stopGraceMs);
  }

  note(what: string, who: string, detail?: number): void {
    this.eventCount += 1;
    this.trace.note(this.clock.nowMs(), what, who, detail);
  }

  // ---- calls

  arrivalDue(arrival: Arrival): void {
    this.call(arrival.fn);
    this.#scheduleArrival(arrival);
  }

  #scheduleArrival(arrival: Arrival): void {
    const now = this.clock.nowMs();
    this.clock.schedule(arrival, arrival.fn.behaviour.arrivals.nextAt(now) - now);
  }

  call(fn: SimFunction): void {
    const { checker } = this;
    const call = new SimCall(fn, checker.counts.calls, this.clock.nowMs(), this);
    this.note("call comes", fn.key, call.number);
    checker.callArrives(call);
    this.scheduler.admit(fn.key, call);
    if (call.state !== "waiting") return;
    checker.check(call.queuedIn !== undefined, () => `${call} was not answered, and does not wait`);
    checker.callWaits(call);
    this.clock.schedule(call, fn.behaviour.patienceMs());
  }

  callGranted(call: SimCall, slot: ScheduledInstance<SimLink>): void {
    const { link } = slot;
    const { fn } = call;
    this.checker.check(!link.closed, () => `${call} gets a slot whose connection is closed`);
    const inTurn = call.isArriving ? fn.waitingCount === 1 : fn.longestWaiting() === call;
    this.checker.callGranted(call, link.instance, inTurn);
    this.trace.note(this.clock.nowMs(), `call ${call.number} gets a slot`, String(link.instance));
    call.state = "open";
    call.instance = link.instance;
    call.slot = slot;
    // Some end while they are told: their client is gone, or the head cannot be sent.
    if (this.dice.chance(0.01)) this.endCall(call);
    else this.clock.schedule(call, fn.behaviour.durationMs());
  }

  callRefused(call: SimCall, cause: Fault): void {
    this.checker.callRefused(call, cause);
    this.trace.note(this.clock.nowMs(), `call ${call.number} is refused: ${cause.message}`, call.fn.key);
    call.state = "over";
    this.clock.cancel(call);
  }

  callDue(call: SimCall): void {
    if (call.state === "waiting") {
      this.note("call leaves the queue", call.fn.key, call.number);
      this.checker.callLeaves(call);
      call.state = "over";
      this.scheduler.abandon(call.fn.key, call);
      return;
    }
    const { slot } = call;
    const timesOut = this.dice.chance(call.fn.behaviour.timeoutShare);
    this.note(timesOut ? "call times out" : "call ends", String(call.instance), call.number);
    // An instance whose call ran into the timeout is replaced, before or after its slot is free.
    const replaceFirst = timesOut && this.dice.chance(0.5);
    if (replaceFirst) this.#replace(call, slot);
    this.endCall(call);
    if (timesOut && !replaceFirst) this.#replace(call, slot);
  }

  #replace(call: SimCall, slot: ScheduledInstance<SimLink> | undefined): void {
    if (call.instance !== undefined) this.checker.retires(call.instance);
    slot?.replace();
    this.isUnsettled = true;
  }

  endCall(call: SimCall): void {
    const { instance, slot } = call;
    if (call.state !== "open" || instance === undefined) return;
    call.state = "over";
    this.clock.cancel(call);
    this.checker.callEnds(call, instance);
    slot?.release();
  }

  // ---- instances

  #start(spec: StartSpec): SimInstance {
    const fn = this.functions.find((other) => other.key === spec.function);
    const pool = [fn?.serving, fn?.next].find((other) => other?.revision.codeDir === spec.codeDir);
    if (pool === undefined) throw new Error(`${spec.codeDir} of ${spec.function} is started, but should not run`);
    const number = this.instanceCount++;
    const instance = new SimInstance(spec, pool, number, this.clock.nowMs(), this.#life);
    this.trace.note(this.clock.nowMs(), "is started", String(instance));
    this.checker.startBegins(instance);
    this.#life.begin(instance);
    this.isUnsettled = true;
    return instance;
  }

  /** Whatever the scheduler logs as an error is one. */
  #logger(): Logger {
    const isWrong = (message: string, fields: unknown) => {
      const { error } = (fields ?? {}) as { error?: unknown };
      const stack = error instanceof Error ? error.stack : JSON.stringify(fields);
      this.checker.check(false, () => `the scheduler logs: ${message}: ${stack}`);
    };
    return { debug() {}, info() {}, warn: isWrong, error: isWrong };
  }

  /** The connection to the instance is lost to the scheduler: an answer to PING did not come, or the like. */
  lose(instance: SimInstance): void {
    this.checker.retires(instance);
    instance.link?.observer.lost(fault("FunctionUnresponsive", "no answer to PING"));
    this.isUnsettled = true;
  }
}
