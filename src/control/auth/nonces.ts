/** Most signature nonces remembered: 30 minutes of 500 requests a second. */
const REMEMBERED_MAX = 1_000_000;

/** Signature nonces of the requests that are still young enough to be sent again. */
export class Nonces {
  /** Nonce -> when its request becomes too old to be accepted (epoch ms). In the order of insertion. */
  readonly #expiries = new Map<string, number>();
  readonly #lifetimeMs: number;
  readonly #countMax: number;

  /** `lifetimeMs`: from now until no request of this moment is accepted any more. */
  constructor(lifetimeMs: number, countMax = REMEMBERED_MAX) {
    this.#lifetimeMs = lifetimeMs;
    this.#countMax = countMax;
  }

  /** Remembers a nonce. False where it was there already, or there is no room: then the request must be refused. */
  add(nonce: string, nowAt: number): boolean {
    // All live equally long, so the first ones expire first (a clock set back only keeps them longer).
    for (const [old, expiry] of this.#expiries) {
      if (expiry > nowAt) break;
      this.#expiries.delete(old);
    }
    if (this.#expiries.has(nonce) || this.#expiries.size >= this.#countMax) return false;
    this.#expiries.set(nonce, nowAt + this.#lifetimeMs);
    return true;
  }
}
