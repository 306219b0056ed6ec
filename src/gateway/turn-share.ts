/**
 * How much of a turn of the event loop one client's requests may take. A socket hands over all it has, and 16 KiB can be
 * a thousand requests: without a share, everybody else would wait for their end.
 */

/** Time that the requests of a connection may take in one go. */
const SHARE_MS = 2;

/** As many requests within BURST_MS are a burst; a client with 2,000 calls a second just begins to make one. */
const BURST_REQUESTS = 8;
const BURST_MS = 2 * SHARE_MS;

/** Who uses the share up again and again gets its bytes in slices. Once or twice is a pause of the garbage collector. */
const SLICED_FROM_TIMES = 3;
const AGAIN_MS = 250;

/** The share of one connection. It looks at no clock: requests bring their time along. */
export class TurnShare {
  /** The connection's bytes have to wait for the next turn. */
  isUsedUp = false;
  #requests = 0;
  #burstBeganAt = 0;
  #usedUpAt = 0;
  #timesInRow = 0;

  /** A request began. */
  requested(nowMs: number): void {
    if (nowMs - this.#burstBeganAt > BURST_MS) this.#begin(nowMs);
    this.#requests += 1;
    if (this.#requests < BURST_REQUESTS || nowMs - this.#burstBeganAt <= SHARE_MS) return;
    this.isUsedUp = true;
    this.#timesInRow += 1;
    this.#usedUpAt = nowMs;
    this.#begin(nowMs);
  }

  get isSliced(): boolean {
    return this.#timesInRow >= SLICED_FROM_TIMES;
  }

  #begin(nowMs: number): void {
    this.#burstBeganAt = nowMs;
    this.#requests = 0;
    if (nowMs - this.#usedUpAt > AGAIN_MS) this.#timesInRow = 0;
  }
}
