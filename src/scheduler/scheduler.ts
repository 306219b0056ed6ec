/**
 * Front door of src/scheduler: pools of instances, admission of calls, the life of instances. Effects only through the
 * driver and the links that it is given; no word of HTTP/2.
 */
import { type Clock, type Logger, type Random, systemRandom, TimerWheel } from "../base/base.ts";
import type { Driver, ExitReport } from "../drivers/driver.ts";
import type { Fault, FunctionEntry, FunctionKey, FunctionStatus, InstanceId, Revision } from "../model/model.ts";
import type { Instance } from "./life/instance.ts";
import type { SchedulerLimits } from "./limits.ts";
import type { Link, LinkFactory } from "./link.ts";
import { type FunctionContext, ManagedFunction } from "./managed-function.ts";
import { functionGone, sluiceStops } from "./refusals.ts";
import { GrowthBudget } from "./scaling/growth-budget.ts";
import { Room } from "./scaling/room.ts";
import { StartTurns } from "./scaling/start-turns.ts";
import type { Waiter } from "./waiter.ts";

export { defaultSchedulerLimits, type SchedulerLimits, schedulerLimits } from "./limits.ts";
export type { InstanceAnswer, InstanceQuestion, Link, LinkFactory, LinkObserver } from "./link.ts";
export type { ScheduledInstance, Waiter } from "./waiter.ts";

/** What happens that others want to know; never on the way of a call. */
export interface SchedulerEvents {
  /** `statusOf` would say something new; undefined from it: the function is gone. */
  statusChanged(key: FunctionKey): void;
  instanceExited(key: FunctionKey, instanceId: InstanceId, report: ExitReport, expected: boolean): void;
  startFailed(key: FunctionKey, revision: Revision, cause: Fault, stderrTail: string): void;
  /** Something that the developer of the function should know. */
  remark(key: FunctionKey, words: string): void;
}

export interface SchedulerOptions<L extends Link> {
  readonly driver: Driver;
  readonly links: LinkFactory<L>;
  readonly clock: Clock;
  readonly limits: SchedulerLimits;
  /** Chooses among weighted revisions; the system's unless a test gives one. */
  readonly random?: Random;
  /** Region label, which functions find in FC_REGION. */
  readonly region: string;
  readonly logger: Logger;
  readonly events: SchedulerEvents;
}

/** See the module: one scheduler for each loop that calls run on; it owns the instances that it has started. */
export class Scheduler<L extends Link> {
  readonly #events: SchedulerEvents;
  readonly #functions = new Map<FunctionKey, ManagedFunction<L>>();
  /** Removed functions whose instances still finish calls. */
  readonly #ending = new Set<ManagedFunction<L>>();
  readonly #context: FunctionContext<L>;
  #draining = false;

  constructor(options: SchedulerOptions<L>) {
    const { clock, limits, events, logger } = options;
    this.#events = events;
    const wheel = new TimerWheel(clock, (error) => logger.error("A timer of the scheduler failed", { error }));
    this.#context = {
      driver: options.driver,
      links: options.links,
      logger,
      wheel,
      limits,
      region: options.region,
      room: new Room<Instance<L>>(limits.instancesMax, limits.hostMemoryMb),
      turns: new StartTurns(limits.startsAtOnceMax, wheel),
      growth: new GrowthBudget(limits.growthBurst, limits.growthPerMinute),
      random: options.random ?? systemRandom,
      nowMs: () => clock.nowMs(),
      epochMs: () => clock.epochMs(),
      statusChanged: (key) => events.statusChanged(key),
      instanceExited: (instance, report, expected) =>
        events.instanceExited(instance.revision.function, instance.id, report, expected),
      startFailed: (revision, cause, stderrTail) => events.startFailed(revision.function, revision, cause, stderrTail),
      remark: (key, words) => events.remark(key, words),
      functionEnded: (ended) => this.#ended(ended),
    };
  }

  /** A deploy; with another revision id a redeploy, with the same one at most another limit. */
  put(entry: FunctionEntry): void {
    const known = this.#functions.get(entry.function);
    if (known !== undefined) {
      known.put(entry);
      return;
    }
    this.#functions.set(entry.function, new ManagedFunction(entry, this.#context));
    this.#events.statusChanged(entry.function);
  }

  /** Waiting calls are refused, open ones end in their own time, then the instances are stopped. */
  remove(key: FunctionKey): void {
    const known = this.#functions.get(key);
    if (known === undefined) return;
    this.#functions.delete(key);
    this.#ending.add(known);
    known.remove();
    this.#events.statusChanged(key);
  }

  /** Answers with exactly one `granted` or `refused`, now or later, unless the waiter is abandoned. */
  admit(key: FunctionKey, waiter: Waiter<L>): void {
    const known = this.#functions.get(key);
    if (this.#draining) waiter.refused(sluiceStops());
    else if (known === undefined) waiter.refused(functionGone(key));
    else known.admit(waiter);
  }

  /** The waiter leaves the queue at once; nothing is called any more. Does nothing when it does not wait. */
  abandon(key: FunctionKey, waiter: Waiter<L>): void {
    if (waiter.queuedIn !== undefined) this.#functions.get(key)?.abandon(waiter);
  }

  /** Undefined: the function is not there (any more), and has no instance left. */
  statusOf(key: FunctionKey): FunctionStatus | undefined {
    const ending = [...this.#ending].filter((known) => known.key === key).map((known) => known.status());
    const status = this.#functions.get(key)?.status() ?? ending[0];
    if (status === undefined || ending.length === 0) return status;
    const others = ending.filter((other) => other !== status).flatMap((other) => other.instances);
    return { ...status, instances: [...status.instances, ...others] };
  }

  /** Instances of all functions, in whatever state. */
  get instanceCount(): number {
    return this.#context.room.holders.size;
  }

  /** Sluice is stopping: calls that wait and those that come are refused, nothing is started; open calls go on. */
  drain(): void {
    this.#draining = true;
    this.#context.turns.close();
    for (const known of this.#functions.values()) known.refuseAll(sluiceStops());
  }

  /** Stops every instance, /pre-stop and SIGTERM with `graceMs` each, then SIGKILL; resolves when nothing of any runs. */
  async stopAll(graceMs: number): Promise<void> {
    this.drain();
    const instances = [...this.#context.room.holders];
    for (const instance of instances) instance.stop(graceMs, graceMs);
    await Promise.all(instances.map((instance) => instance.exited));
  }

  #ended(ended: ManagedFunction<L>): void {
    if (this.#ending.delete(ended)) this.#events.statusChanged(ended.key);
  }
}
