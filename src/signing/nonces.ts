/** Most nonces remembered, so at most about 40 MB. */
const REMEMBERED_MAX = 200_000;

/**
 * Signature nonces of requests that are still young enough to be sent again, under the second in which they say that
 * they were signed. Where there are too many, those of the oldest second are let go, and what is dated then or before is
 * refused: memory is bounded, nothing passes twice, and senders with a right clock notice nothing.
 */
export class Nonces {
  /** Date in whole seconds -> nonces. At most as many seconds as dates are accepted of. */
  readonly #bySecond = new Map<number, Set<string>>();
  readonly #skewMaxMs: number;
  readonly #countMax: number;
  #count = 0;
  #oldestSecond = Number.POSITIVE_INFINITY;
  #letGoSecond = Number.NEGATIVE_INFINITY;

  /** `skewMaxMs`: how long after its date a request is accepted. */
  constructor(skewMaxMs: number, countMax = REMEMBERED_MAX) {
    this.#skewMaxMs = skewMaxMs;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#count;
  }

  /** Remembers the nonce of a request dated `datedAt` (epoch ms). False: it was there, or may have been. */
  add(nonce: string, datedAt: number, nowAt: number): boolean {
    while ((this.#oldestSecond + 1) * 1000 + this.#skewMaxMs <= nowAt) this.#dropOldest();
    const second = Math.floor(datedAt / 1000);
    if (second <= this.#letGoSecond) return false;
    const known = this.#bySecond.get(second);
    if (known?.has(nonce)) return false;
    if (this.#count >= this.#countMax) {
      this.#letGoSecond = this.#oldestSecond;
      this.#dropOldest();
      return this.add(nonce, datedAt, nowAt);
    }
    if (known === undefined) {
      this.#bySecond.set(second, new Set([nonce]));
      this.#oldestSecond = Math.min(this.#oldestSecond, second);
    } else {
      known.add(nonce);
    }
    this.#count += 1;
    return true;
  }

  #dropOldest(): void {
    this.#count -= this.#bySecond.get(this.#oldestSecond)?.size ?? 0;
    this.#bySecond.delete(this.#oldestSecond);
    this.#oldestSecond = Number.POSITIVE_INFINITY;
    for (const second of this.#bySecond.keys()) this.#oldestSecond = Math.min(this.#oldestSecond, second);
  }
}
