/** Numbers that a seed decides: the same seed gives the same schedule on every machine. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Dice of their own for one purpose, so that what one part throws does not change what another one gets. */
  for(purpose: string): Dice {
    let hash = this.#state ^ 0x811c9dc5;
    // FNV-1a.
    for (const byte of Buffer.from(purpose)) hash = Math.imul(hash ^ byte, 0x01000193);
    return new Dice(hash);
  }

  /** From 0 to 1, without 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
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
