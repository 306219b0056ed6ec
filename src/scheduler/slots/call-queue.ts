import { LinkedQueue, type Logger } from "../../base/base.ts";
import { type Fault, fault } from "../../model/model.ts";
import type { Link } from "../link.ts";
import type { ScheduledInstance, Waiter } from "../waiter.ts";

/** The calls of one function that wait for a slot, longest wait first; and the answers to them. */
export class CallQueue<L extends Link> {
  readonly #waiting = new LinkedQueue<Waiter<L>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Since when the first one waits, in the clock's monotonic milliseconds; undefined: none waits. */
  get firstWaitsSince(): number | undefined {
    return this.#waiting.first?.waitingSince;
  }

  push(waiter: Waiter<L>, nowMs: number): void {
    waiter.waitingSince = nowMs;
    this.#waiting.push(waiter);
  }

  /** Takes `waiter` out unanswered; does nothing when it does not wait. */
  remove(waiter: Waiter<L>): void {
    this.#waiting.remove(waiter);
  }

  /** Gives the slot, which is taken, to `waiter`. */
  grant(waiter: Waiter<L>, instance: ScheduledInstance<L>): void {
    try {
      waiter.granted(instance);
    } catch (error) {
      // It must not hurt the call that freed the slot, nor those that wait behind it.
      this.#logger.error("A call failed when it was given its slot", { error, instanceId: instance.id });
      waiter.refused(fault("Internal", "an internal error of Sluice"));
    }
  }

  grantFirst(instance: ScheduledInstance<L>): void {
    const first = this.#waiting.shift();
    if (first !== undefined) this.grant(first, instance);
  }

  /** Takes over those that wait in `other`, behind its own; each keeps the time at which its wait began. */
  takeOver(other: CallQueue<L>): void {
    for (let first = other.#waiting.shift(); first !== undefined; first = other.#waiting.shift()) {
      this.#waiting.push(first);
    }
  }

  /** Refuses those that wait now. */
  refuseAll(cause: Fault): void {
    for (let left = this.#waiting.length; left > 0; left--) this.#waiting.shift()?.refused(cause);
  }

  /** Refuses those that wait since `lastAt` or longer. */
  refuseUpTo(lastAt: number, cause: Fault): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (first.waitingSince > lastAt) return;
      this.#waiting.remove(first);
      first.refused(cause);
    }
  }
}
