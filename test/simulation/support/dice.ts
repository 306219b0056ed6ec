import type { Random } from "../../../src/base/base.ts";

/** Draws from the distributions that traces are made of. */
export class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  between(min: number, max: number): number {
    return min + this.#random() * (max - min);
  }

  /** As `between`, with each power of ten as likely as the next. */
  magnitude(min: number, max: number): number {
    return Math.exp(this.between(Math.log(min), Math.log(max)));
  }

  /** Gaps of events that do not know of each other. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.#random());
  }

  /** Heavy tail: the smaller `alpha`, the heavier; at 1 and below its mean is set by `max` alone. */
  pareto(min: number, alpha: number, max: number): number {
    return Math.min(max, min / (1 - this.#random()) ** (1 / alpha));
  }

  /** What service times look like: half are below `median`; `sigma` 1 has one in a hundred above ten times that. */
  logNormal(median: number, sigma: number): number {
    // Box and Muller: a normal number from two even ones.
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random()));
    return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.#random()));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
