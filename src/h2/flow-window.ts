/**
 * Receive windows (RFC 9113 §5.2, §6.9): what the peer may still send, and what we owe it. Credit goes back in batches,
 * when half of the window is owed, so that the peer never waits while we drain, and few frames are spent on it.
 */
import type { MemoryBudget } from "./contract.ts";

/** RFC 9113 §6.9.1. */
export const WINDOW_MAX_BYTES = 2 ** 31 - 1;

/** RFC 9113 §6.9.2: every window before SETTINGS or WINDOW_UPDATE say otherwise. */
export const INITIAL_WINDOW_BYTES = 65_535;

export class ReceiveWindow {
  sizeBytes: number;
  #availableBytes: number;
  #owedBytes = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#availableBytes = sizeBytes;
  }

  /** The peer sent `bytes`. False: more than it was allowed (FLOW_CONTROL_ERROR). */
  take(bytes: number): boolean {
    this.#availableBytes -= bytes;
    return this.#availableBytes >= 0;
  }

  /** `bytes` are done with. Returns the increment to send now, 0 for none yet. */
  credit(bytes: number): number {
    this.#owedBytes += bytes;
    if (this.#owedBytes * 2 < this.sizeBytes) return 0;
    const increment = this.#owedBytes;
    this.#owedBytes = 0;
    this.#availableBytes += increment;
    return increment;
  }

  /** Enlarges the window: the next credit carries it. */
  grow(bytes: number): void {
    this.sizeBytes += bytes;
    this.#owedBytes += bytes;
  }
}

/**
 * When a stream's window grows: its handler drained two whole windows within four round trips. The peer then spends much
 * of its time waiting for credit. A window doubles, up to the maximum, while the shared memory budget has room. Where
 * the round trip is short the window is never what holds a stream up, and a larger one is but a longer queue before a
 * slow receiver: below a millisecond, which is also what a busy machine adds to any measurement, it stays as it is.
 */
const WINDOWS_MEASURED = 2;
const ROUND_TRIPS_MAX = 4;
const ROUND_TRIP_MIN_MS = 1;

/** What a stream's window needs of its connection to grow. */
export interface WindowGrowth {
  readonly maxBytes: number;
  readonly budget: MemoryBudget;
  /** Of the connection; 0 until it is known. */
  readonly roundTripMs: number;
  nowMs(): number;
}

/** The window of a stream, which grows while its handler is fast. */
export class StreamWindow extends ReceiveWindow {
  /** When the windows that are counted began to be drained. */
  #countsFromMs = 0;
  #drainedBytes = 0;
  #reservedBytes = 0;

  /** Called when the handler drained `bytes`: enlarges the window where the rule says so. */
  drained(bytes: number, growth: WindowGrowth): void {
    const { maxBytes, budget, roundTripMs } = growth;
    if (roundTripMs < ROUND_TRIP_MIN_MS || this.sizeBytes >= maxBytes) return;
    if (this.#drainedBytes === 0) this.#countsFromMs = growth.nowMs();
    this.#drainedBytes += bytes;
    if (this.#drainedBytes < this.sizeBytes * WINDOWS_MEASURED) return;
    this.#drainedBytes = 0;
    if (growth.nowMs() - this.#countsFromMs > roundTripMs * ROUND_TRIPS_MAX) return;
    const more = Math.min(this.sizeBytes, maxBytes - this.sizeBytes);
    if (!budget.tryReserve(more)) return;
    this.#reservedBytes += more;
    this.grow(more);
  }

  /** The stream ended: gives the memory back. */
  release(budget: MemoryBudget): void {
    if (this.#reservedBytes > 0) budget.release(this.#reservedBytes);
    this.#reservedBytes = 0;
  }
}
