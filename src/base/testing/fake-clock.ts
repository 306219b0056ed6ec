import type { Clock, WakeUp } from "../clock.ts";

interface Pending {
  readonly dueAt: number;
  readonly wake: () => void;
}

/** A clock that moves only when told to. Monotonic time starts at 0, the epoch at 2026-01-01. */
export class FakeClock implements Clock {
  #now = 0;
  #pending: Pending[] = [];
  readonly #epochAtStart = Date.UTC(2026, 0, 1);

  nowMs(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#epochAtStart + Math.floor(this.#now);
  }

  wakeAfter(delayMs: number, wake: () => void): WakeUp {
    const pending: Pending = { dueAt: this.#now + Math.max(0, delayMs), wake };
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending);
      },
    };
  }

  /** Number of wake-ups that wait: 0 when nothing leaks. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Moves time on by `ms`, calling what falls due on the way in order of its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: Pending | undefined;
      for (const pending of this.#pending) {
        if (pending.dueAt <= end && (next === undefined || pending.dueAt < next.dueAt)) next = pending;
      }
      if (next === undefined) break;
      this.#pending = this.#pending.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.wake();
    }
    this.#now = end;
  }
}
