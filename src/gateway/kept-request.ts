import type { MemoryBudget } from "../h2/h2.ts";

/** Request bytes kept of a call so that it can be sent again after proof that it was never seen (invariant 4). */
const KEPT_MAX_BYTES = 64 * 1024;

/** Chunks below this size are copied into blocks, unless they are the first. */
const SMALL_BYTES = 256;
const BLOCK_BYTES = 4 * 1024;
const NO_BLOCK = Buffer.alloc(0);

/** Of a request of which nothing is kept. Never changed: most calls hold one chunk or none. */
const NO_CHUNKS: Buffer[] = [];

/**
 * The request body of a call from its beginning: all of it while the call waits for an instance (bounded by the client's
 * stream window), then as much as may be kept for sending it again, until the first byte of the answer.
 */
export class KeptRequest {
  /** In order, as they came. */
  chunks: Buffer[] = NO_CHUNKS;
  sizeBytes = 0;
  /** Nothing was dropped: the call can be sent (again) from its beginning. */
  isWhole = true;
  readonly #budget: MemoryBudget;
  #reservedBytes = 0;
  #block: Buffer = NO_BLOCK;
  #blockUsed = 0;

  /** `budget` bounds what all calls keep for a replay. */
  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  push(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    const { chunks } = this;
    if (chunks.length === 0) {
      this.chunks = [chunk];
    } else if (chunk.length >= SMALL_BYTES) {
      chunks.push(chunk);
      this.#blockUsed = 0;
    } else {
      this.#pushCopy(chunk);
    }
  }

  /** Crumbs are copied together: a view of each would cost a hundred times its bytes, which are all that is bounded. */
  #pushCopy(chunk: Buffer): void {
    const { chunks } = this;
    if (this.#blockUsed > 0 && this.#blockUsed + chunk.length <= BLOCK_BYTES) {
      this.#block.set(chunk, this.#blockUsed);
      const last = chunks.length - 1;
      const start = this.#blockUsed - (chunks[last] as Buffer).length;
      this.#blockUsed += chunk.length;
      chunks[last] = this.#block.subarray(start, this.#blockUsed);
      return;
    }
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#block.set(chunk);
    this.#blockUsed = chunk.length;
    chunks.push(this.#block.subarray(0, chunk.length));
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
    this.chunks = NO_CHUNKS;
    this.sizeBytes = 0;
    this.#block = NO_BLOCK;
    this.#blockUsed = 0;
    if (this.#reservedBytes > 0) this.#budget.release(this.#reservedBytes);
    this.#reservedBytes = 0;
  }
}
