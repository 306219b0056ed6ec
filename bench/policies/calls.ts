import { type EventQueue, SimulatedEvent } from "../../src/base/testing/event-queue.ts";
import type { Traffic } from "./traffic.ts";

/** Has the calls of `traffic` come when they are due. */
export class Arrivals extends SimulatedEvent {
  readonly #traffic: Traffic;
  readonly #queue: EventQueue;
  readonly #arrive: (durationMs: number) => void;
  #next = 0;

  constructor(traffic: Traffic, queue: EventQueue, arrive: (durationMs: number) => void) {
    super();
    this.#traffic = traffic;
    this.#queue = queue;
    this.#arrive = arrive;
    this.#scheduleNext();
  }

  override happen(): void {
    const durationMs = this.#traffic.durationsMs[this.#next] ?? 0;
    this.#next += 1;
    this.#scheduleNext();
    this.#arrive(durationMs);
  }

  #scheduleNext(): void {
    const at = this.#traffic.arrivals[this.#next];
    if (at !== undefined) this.#queue.schedule(this, at - this.#queue.nowMs());
  }
}
