import type { ConnectionFault } from "./errors.ts";
import { tooMuch } from "./faults.ts";
import type { ConnectionOptions } from "./options.ts";

/**
 * A header block on its way in several frames: HEADERS without END_HEADERS, then CONTINUATION frames of the same stream
 * and nothing else in between (RFC 9113 §4.3, §6.10). Frames, bytes and time are bounded: an endless block is an attack.
 */
export class HeaderBlock {
  /** 0: no block is open. */
  streamId = 0;
  endStream = false;
  #fragments: Buffer[] = [];
  #sizeBytes = 0;
  #continuations = 0;
  #startedAtMs = 0;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  begin(streamId: number, endStream: boolean, fragment: Buffer, nowMs: number): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.#continuations = 0;
    this.#sizeBytes = 0;
    this.#startedAtMs = nowMs;
    this.#append(fragment);
  }

  continue(fragment: Buffer): void {
    this.#continuations++;
    if (this.#continuations > this.#options.continuationFramesMax) {
      throw tooMuch("continuation_flood", `more than ${this.#options.continuationFramesMax} CONTINUATION frames`);
    }
    this.#append(fragment);
  }

  /** The whole block; it is no longer open. */
  take(): Buffer {
    const block = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.streamId = 0;
    return block;
  }

  /** The fault of a block that has been open for too long. */
  overdue(nowMs: number): ConnectionFault | undefined {
    // Begun before anybody told the connection the time: it counts from now.
    if (this.#startedAtMs < 0) this.#startedAtMs = nowMs;
    if (this.streamId === 0 || nowMs - this.#startedAtMs <= this.#options.headerBlockTimeoutMs) return undefined;
    return tooMuch("header_block_timeout", "a header block was not finished in time");
  }

  #append(fragment: Buffer): void {
    this.#sizeBytes += fragment.length;
    if (this.#sizeBytes > this.#options.headerBlockMaxBytes) {
      throw tooMuch("header_block_size", `a header block of more than ${this.#options.headerBlockMaxBytes} bytes`);
    }
    this.#fragments.push(fragment);
  }
}
