import { SimulatedEvent } from "../../../src/base/testing/event-queue.ts";
import type { Fault } from "../../../src/model/model.ts";
import type { ScheduledInstance, Waiter } from "../../../src/scheduler/scheduler.ts";
import type { SimFunction } from "./sim-function.ts";
import type { SimInstance, SimLink } from "./sim-instance.ts";

/** What a call tells the world of. */
export interface CallObserver {
  callGranted(call: SimCall, instance: ScheduledInstance<SimLink>): void;
  callRefused(call: SimCall, fault: Fault): void;
  /** Its caller has lost patience, or it has ended. */
  callDue(call: SimCall): void;
}

/** A call. While it waits its event is the end of its caller's patience, then its own end. */
export class SimCall extends SimulatedEvent implements Waiter<SimLink> {
  readonly fn: SimFunction;
  readonly number: number;
  readonly arrivedAt: number;
  queuePrevious: Waiter<SimLink> | undefined = undefined;
  queueNext: Waiter<SimLink> | undefined = undefined;
  queuedIn: unknown = undefined;
  waitingSince = 0;
  state: "waiting" | "open" | "over" = "waiting";
  /** It is being admitted: it does not stand in the queue. */
  isArriving = true;
  instance: SimInstance | undefined = undefined;
  slot: ScheduledInstance<SimLink> | undefined = undefined;
  readonly #observer: CallObserver;

  constructor(fn: SimFunction, number: number, arrivedAt: number, observer: CallObserver) {
    super();
    this.fn = fn;
    this.number = number;
    this.arrivedAt = arrivedAt;
    this.#observer = observer;
  }

  granted(instance: ScheduledInstance<SimLink>): void {
    this.#observer.callGranted(this, instance);
  }

  refused(fault: Fault): void {
    this.#observer.callRefused(this, fault);
  }

  override happen(): void {
    this.#observer.callDue(this);
  }

  override toString(): string {
    return `${this.fn.key} c${this.number}`;
  }
}
