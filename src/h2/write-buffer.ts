/**
 * Bytes on their way to the socket. Frame headers and small payloads of all streams are put one behind the other into
 * one growing block; large payloads stand between blocks as they came. Handed-out bytes are never touched again.
 */
import { FRAME_HEADER_BYTES } from "./frames.ts";

/** A block begins as large as the last flush, within these bounds, and doubles up to the larger one. */
const BLOCK_MIN_BYTES = 512;
const BLOCK_MAX_BYTES = 16 * 1024;

const EMPTY = Buffer.alloc(0);

export class WriteBuffer {
  /** The block being filled. Write at `end` after `reserve`, then move `end`. */
  bytes: Buffer = EMPTY;
  end = 0;
  /** Where what has not been handed to `#parts` begins. */
  #start = 0;
  /** Finished pieces in front of the block. */
  #parts: Buffer[] = [];
  #partsBytes = 0;
  #blockBytes = BLOCK_MIN_BYTES;
  readonly #copyBelowBytes: number;

  constructor(copyBelowBytes: number) {
    this.#copyBelowBytes = copyBelowBytes;
  }

  get sizeBytes(): number {
    return this.#partsBytes + this.end - this.#start;
  }

  /** Makes room for `count` bytes in one piece at `end`. */
  reserve(count: number): void {
    if (this.bytes.length - this.end < count) this.#makeRoom(count);
  }

  /** Writes a frame header (RFC 9113 §4.1); the caller reserved room. */
  header(payloadBytes: number, type: number, flags: number, streamId: number): void {
    const { bytes, end } = this;
    bytes[end] = payloadBytes >>> 16;
    bytes[end + 1] = payloadBytes >>> 8;
    bytes[end + 2] = payloadBytes;
    bytes[end + 3] = type;
    bytes[end + 4] = flags;
    this.end = end + FRAME_HEADER_BYTES - 4;
    this.uint32(streamId);
  }

  /** Writes four bytes; the caller reserved room. */
  uint32(value: number): void {
    const { bytes, end } = this;
    bytes[end] = value >>> 24;
    bytes[end + 1] = value >>> 16;
    bytes[end + 2] = value >>> 8;
    bytes[end + 3] = value;
    this.end = end + 4;
  }

  /** Adds chunk[from, to): a copy if it is small, else a view. */
  payload(chunk: Buffer, from: number, to: number): void {
    const count = to - from;
    if (count >= this.#copyBelowBytes) {
      this.#finishPart();
      this.#parts.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      this.#partsBytes += count;
      return;
    }
    this.reserve(count);
    this.bytes.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), this.end);
    this.end += count;
  }

  /** All pieces in order; the buffer is empty afterwards, and holds no memory. */
  take(): Buffer[] {
    const sizeBytes = this.end - this.#start;
    this.#finishPart();
    const parts = this.#parts;
    this.#parts = [];
    this.#partsBytes = 0;
    this.bytes = EMPTY;
    this.end = 0;
    this.#start = 0;
    this.#blockBytes = sizeBytes * 2 > this.#blockBytes ? this.#blockBytes * 2 : this.#blockBytes / 2;
    this.#blockBytes = Math.min(BLOCK_MAX_BYTES, Math.max(BLOCK_MIN_BYTES, this.#blockBytes));
    return parts;
  }

  #finishPart(): void {
    if (this.end === this.#start) return;
    this.#parts.push(this.bytes.subarray(this.#start, this.end));
    this.#partsBytes += this.end - this.#start;
    this.#start = this.end;
  }

  /** Doubles a block that is still small; a full one becomes a part, and another is begun. */
  #makeRoom(count: number): void {
    const filled = this.end - this.#start;
    if (filled + count > BLOCK_MAX_BYTES) this.#finishPart();
    else if (filled > 0) this.#blockBytes = Math.min(BLOCK_MAX_BYTES, this.#blockBytes * 2);
    const kept = this.bytes.subarray(this.#start, this.end);
    const larger = Buffer.allocUnsafe(Math.max(this.#blockBytes, kept.length + count));
    larger.set(kept, 0);
    this.bytes = larger;
    this.#start = 0;
    this.end = kept.length;
  }
}
