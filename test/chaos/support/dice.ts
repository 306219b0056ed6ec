import { createHash } from "node:crypto";
import { seededRandom } from "../../../src/base/testing/seeded-random.ts";

/** Numbers that a seed decides: the same seed gives the same schedule on every machine. */
export class Dice {
  /** From 0 to 1, without 1. */
  readonly next: () => number;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.next = seededRandom(seed);
  }

  /** Dice of their own for one purpose, so that what one part throws does not change what another one gets. */
  for(purpose: string): Dice {
    const hash = createHash("sha256").update(`${this.#seed} ${purpose}`).digest();
    return new Dice(hash.readUInt32BE());
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(ratio: number): boolean {
    return this.next() < ratio;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] as T;
  }

  shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }

  /** Times from 0 to `untilMs` of things that come at random, `perSecond` of them on average. */
  times(perSecond: number, untilMs: number): number[] {
    const times: number[] = [];
    for (let at = 0; ; ) {
      at += (-Math.log(1 - this.next()) / perSecond) * 1000;
      if (at >= untilMs) return times;
      times.push(Math.floor(at));
    }
  }
}
