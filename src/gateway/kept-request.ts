import type { MemoryBudget } from "../h2/h2.ts";

/** Request bytes kept of a call so that it can be sent again after proof that it was never seen (invariant 4). */
const KEPT_MAX_BYTES = 64 * 1024;

/**
 * The request body of a call from its beginning: all of it while the call waits for an instance (bounded by the client's
 * stream window), then as much as may be kept for sending it again, until the first byte of the answer.
 */
export class KeptRequest {
  /** In order, as they came. */
  chunks: Buffer[] = [];
  sizeBytes = 0;
  /** Nothing was dropped: the call can be sent (again) from its beginning. */
  isWhole = true;
  readonly #budget: MemoryBudget;
  #reservedBytes = 0;

  /** `budget` bounds what all calls keep for a replay. */
  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.sizeBytes += chunk.length;
  }

  /** The body is on its way: from now on it is kept only within the limits. */
  bound(): void {
    const moreBytes = this.sizeBytes - this.#reservedBytes;
    if (this.sizeBytes > KEPT_MAX_BYTES || (moreBytes > 0 && !this.#budget.tryReserve(moreBytes))) this.drop();
    else this.#reservedBytes = this.sizeBytes;
  }

  /** Keeps nothing any more. */
  drop(): void {
    this.isWhole = false;
    if (this.chunks.length > 0) this.chunks = [];
    this.sizeBytes = 0;
    if (this.#reservedBytes > 0) this.#budget.release(this.#reservedBytes);
    this.#reservedBytes = 0;
  }
}
