/**
 * How fast the instances of all functions together may become more: a token bucket, which holds `burst` starts at first
 * and gets `perMinute` more (Function Compute, "Limits on instance scaling": burst, then a rate). Pure: time is given.
 */
export class GrowthBudget {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(burst: number, perMinute: number) {
    this.#burst = burst;
    this.#perMs = perMinute / 60_000;
    this.#left = burst;
  }

  /** Starts that may be made now. */
  leftAt(nowMs: number): number {
    this.#count(nowMs);
    return Math.floor(this.#left);
  }

  /** When there is one; in the past where there is. */
  nextAt(nowMs: number): number {
    this.#count(nowMs);
    return this.#left >= 1 ? Number.NEGATIVE_INFINITY : nowMs + (1 - this.#left) / this.#perMs;
  }

  /** One start is made. */
  take(nowMs: number): void {
    this.#count(nowMs);
    this.#left = Math.max(0, this.#left - 1);
  }

  #count(nowMs: number): void {
    if (nowMs <= this.#countedAt) return;
    this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#countedAt) * this.#perMs);
    this.#countedAt = nowMs;
  }
}
