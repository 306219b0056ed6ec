import type { WriteBuffer } from "./write-buffer.ts";

/** Chunks below this size are copied together, so that a small view does not keep a large chunk of input alive. */
const SMALL_BYTES = 1024;
const FIRST_BLOCK_BYTES = 1024;
const BLOCK_BYTES = 16 * 1024;

/** Gone chunks are cut off the front of the list when they are this many: once for many frames. */
const CUT_CHUNKS = 64;

/** DATA of one stream that waits for window or socket. Its size is bounded by the credit that its giver has. */
export class SendQueue {
  sizeBytes = 0;
  readonly #chunks: Buffer[] = [];
  /** The chunk that goes next, and how many bytes of it are gone. */
  #first = 0;
  #offset = 0;
  /** The block that small chunks are copied to, and how much of it is used: the last chunk is a view of it. */
  #block: Buffer | undefined;
  #blockUsed = 0;

  push(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    if (chunk.length < SMALL_BYTES) {
      this.#pushCopy(chunk);
    } else {
      this.#chunks.push(chunk);
      this.#block = undefined;
    }
  }

  /** Moves the first `count` bytes to `out`; there must be as many. */
  moveTo(out: WriteBuffer, count: number): void {
    this.sizeBytes -= count;
    let left = count;
    while (left > 0) {
      const chunk = this.#chunks[this.#first]!;
      const end = Math.min(chunk.length, this.#offset + left);
      out.payload(chunk, this.#offset, end);
      left -= end - this.#offset;
      this.#offset = end;
      if (end === chunk.length) this.#next();
    }
  }

  #next(): void {
    this.#first++;
    this.#offset = 0;
    if (this.sizeBytes > 0 && this.#first < CUT_CHUNKS) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
    if (this.#chunks.length === 0) this.#block = undefined;
  }

  #pushCopy(chunk: Buffer): void {
    let block = this.#block;
    if (block === undefined || block.length - this.#blockUsed < chunk.length) {
      block = Buffer.allocUnsafe(this.#chunks.length === 0 ? FIRST_BLOCK_BYTES : BLOCK_BYTES);
      block.set(chunk);
      this.#block = block;
      this.#blockUsed = chunk.length;
      this.#chunks.push(block.subarray(0, chunk.length));
      return;
    }
    block.set(chunk, this.#blockUsed);
    const last = this.#chunks[this.#chunks.length - 1]!;
    const start = this.#blockUsed - last.length;
    this.#blockUsed += chunk.length;
    this.#chunks[this.#chunks.length - 1] = block.subarray(start, this.#blockUsed);
  }
}
