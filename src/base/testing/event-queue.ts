import type { Clock, WakeUp } from "../clock.ts";

/** Something that happens at a time. Its owner keeps it, and may schedule it again when it has happened. */
export abstract class SimulatedEvent {
  /** When it is due, in the queue's monotonic milliseconds; meaningful only while `scheduled`. */
  dueAt = 0;
  /** @internal Its place in the heap; -1: it is not scheduled. */
  place = -1;
  /** @internal What is due at the same time happens in the order of scheduling. */
  order = 0;

  get scheduled(): boolean {
    return this.place >= 0;
  }

  abstract happen(): void;
}

class ClockWakeUp extends SimulatedEvent implements WakeUp {
  readonly #queue: EventQueue;
  readonly #wake: () => void;

  constructor(queue: EventQueue, wake: () => void) {
    super();
    this.#queue = queue;
    this.#wake = wake;
  }

  override happen(): void {
    this.#wake();
  }

  cancel(): void {
    this.#queue.cancel(this);
  }
}

/**
 * Fake time for simulations of millions of events: a clock that jumps from one event to the next. Scheduling and
 * cancelling cost the logarithm of what is scheduled (a binary heap of events that know their place).
 */
export class EventQueue implements Clock {
  readonly #heap: SimulatedEvent[] = [];
  readonly #epochAtStart = Date.UTC(2026, 0, 1);
  #now = 0;
  #scheduledCount = 0;

  nowMs(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#epochAtStart + Math.floor(this.#now);
  }

  /** Events and wake-ups that are still to come. */
  get length(): number {
    return this.#heap.length;
  }

  wakeAfter(delayMs: number, wake: () => void): WakeUp {
    const wakeUp = new ClockWakeUp(this, wake);
    this.schedule(wakeUp, delayMs);
    return wakeUp;
  }

  /** Has `event` happen `delayMs` from now; one that is scheduled is moved. */
  schedule(event: SimulatedEvent, delayMs: number): void {
    this.cancel(event);
    event.dueAt = this.#now + Math.max(0, delayMs);
    event.order = this.#scheduledCount++;
    event.place = this.#heap.length;
    this.#heap.push(event);
    this.#rise(event);
  }

  /** Takes `event` out; does nothing when it is not scheduled. */
  cancel(event: SimulatedEvent): void {
    const { place } = event;
    if (place < 0) return;
    event.place = -1;
    const last = this.#heap.pop() as SimulatedEvent;
    if (last === event) return;
    last.place = place;
    this.#heap[place] = last;
    this.#rise(last);
    this.#sink(last);
  }

  /** Moves time on to the next event and takes it out; undefined: nothing is to come. The caller has it happen. */
  next(): SimulatedEvent | undefined {
    const first = this.#heap[0];
    if (first === undefined) return undefined;
    this.cancel(first);
    this.#now = first.dueAt;
    return first;
  }

  #rise(event: SimulatedEvent): void {
    const heap = this.#heap;
    let { place } = event;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as SimulatedEvent;
      if (!isBefore(event, parent)) break;
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = event;
    event.place = place;
  }

  #sink(event: SimulatedEvent): void {
    const heap = this.#heap;
    let { place } = event;
    for (;;) {
      let below = 2 * place + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (!isBefore(child, event)) break;
      heap[place] = child;
      child.place = place;
      place = below;
    }
    heap[place] = event;
    event.place = place;
  }
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
