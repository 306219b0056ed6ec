import type { Clock } from "../base/base.ts";
import type { FunctionKey, InstanceId, RevisionId, UsageRecord } from "../model/model.ts";

/** Whose time is measured. */
export interface MeteredInstance {
  readonly instanceId: InstanceId;
  readonly function: FunctionKey;
  readonly revisionId: RevisionId;
  readonly memoryMb: number;
}

/**
 * Busy time of one instance: the union of its calls' intervals, in whole milliseconds of the monotonic clock, starts
 * floored, ends ceiled, at least 1 ms a call (Function Compute: overlapping calls are billed once, gaps are not).
 *
 * Records never overlap: a call that starts in the millisecond up to which the last one was billed continues there.
 */
export class BusyMeter {
  readonly #instance: MeteredInstance;
  readonly #record: (record: UsageRecord) => void;
  readonly #clock: Clock;
  #open = 0;
  /** Calls begun since the last record. */
  #calls = 0;
  /** Start of the stretch that is open or not recorded yet; what was recorded of it already counts no more. */
  #startMs = 0;
  /** End of what was recorded so far. */
  #recordedToMs = Number.NEGATIVE_INFINITY;
  /** Up to where is billed, as far as is known: at least 1 ms after the last start. */
  #endMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(instance: MeteredInstance, record: (record: UsageRecord) => void, clock: Clock) {
    this.#instance = instance;
    this.#record = record;
    this.#clock = clock;
  }

  /**
   * A call's headers are written to the instance; `nowMs`: the clock's time, where the caller has it already. `calls`:
   * 0 for a call that is sent again, which was counted where it was sent first.
   */
  begin(nowMs: number = this.#clock.nowMs(), calls = 1): void {
    const startMs = Math.floor(nowMs);
    if (this.#open === 0) {
      // A stretch that ended in this very millisecond or later goes on; an earlier one is recorded.
      if (startMs > this.#endMs) this.#flush();
      if (this.#endMs <= this.#recordedToMs) this.#startMs = startMs;
    }
    this.#endMs = Math.max(this.#endMs, startMs + 1);
    this.#open += 1;
    this.#calls += calls;
  }

  /** A call's stream is closed there. */
  end(): void {
    if (this.#open === 0) throw new Error("Cannot end a call that was not begun");
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#endMs = Math.max(this.#endMs, Math.ceil(this.#clock.nowMs()));
    if (this.#closed) this.#flush();
  }

  /** Records what has been used so far; an open stretch goes on after it. */
  checkpoint(): void {
    if (this.#open > 0) this.#endMs = Math.max(this.#endMs, Math.floor(this.#clock.nowMs()));
    this.#flush();
  }

  /**
   * No checkpoint comes any more: records what has been used, and at its end what calls use that are open still. The
   * exit of an instance may be known before the loss of its connection ends its calls.
   */
  close(): void {
    this.#closed = true;
    this.checkpoint();
  }

  #flush(): void {
    const startMs = Math.max(this.#startMs, this.#recordedToMs);
    const endMs = Math.max(this.#endMs, startMs);
    if (endMs === startMs && this.#calls === 0) return;
    const agoMs = this.#clock.nowMs() - startMs;
    this.#record({
      ...this.#instance,
      startMs,
      endMs,
      calls: this.#calls,
      startedAt: Math.round(this.#clock.epochMs() - agoMs),
    });
    this.#calls = 0;
    this.#recordedToMs = endMs;
  }
}
