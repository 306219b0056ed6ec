import type { Clock } from "../../base/base.ts";

/** How many seconds' worth may come at once after a quiet time. */
const BURST_SECONDS = 2;

/** Allows an average rate of bytes with bursts (a token bucket). */
export class OutputBudget {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  #bytes: number;
  #filledAt: number;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#bytes = bytesPerSecond * BURST_SECONDS;
    this.#filledAt = clock.nowMs();
  }

  /** Takes `bytes`; false, and nothing taken, when too much has been spent. */
  spend(bytes: number): boolean {
    const nowMs = this.#clock.nowMs();
    const earned = ((nowMs - this.#filledAt) / 1000) * this.#bytesPerSecond;
    this.#bytes = Math.min(this.#bytesPerSecond * BURST_SECONDS, this.#bytes + earned);
    this.#filledAt = nowMs;
    if (this.#bytes < bytes) return false;
    this.#bytes -= bytes;
    return true;
  }
}
