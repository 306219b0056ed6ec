/**
 * Cuts the peer's bytes into frames (RFC 9113 §4.1). A frame that is whole in one chunk is passed on as numbers and
 * offsets, without a copy or an object of its own. DATA is passed on as it arrives, in parts where chunks cut it: TLS
 * records of 16 KiB would otherwise make every full frame a copy. Other frames that chunks cut are gathered first.
 */
import { ConnectionFault, ErrorCode } from "./errors.ts";
import { Flag, FRAME_HEADER_BYTES, FrameType, PREFACE, readUint31 } from "./frames.ts";

/** Takes the frames. Any method may throw ConnectionFault: decoding ends there. */
export interface FrameSink {
  /** Nothing more is wanted. */
  readonly isOver: boolean;
  /** A DATA frame begins: `frameBytes` count for flow control, of which `dataBytes` are content. */
  dataFrame(streamId: number, frameBytes: number, dataBytes: number, endStream: boolean): void;
  /** Content of that frame; called at least once, also for an empty one. */
  dataPart(part: Buffer, isLast: boolean): void;
  /** Any other frame; its payload is bytes[start, end). */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
}

const EMPTY = Buffer.alloc(0);

export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #frameMaxBytes: number;
  #prefaceLeft: number;
  /** Content, then padding, of the DATA frame that is under way. */
  #dataLeft = 0;
  #paddingLeft = 0;
  /** A frame, or the header of one, that a chunk cut: its bytes so far, and how many it needs. */
  #gathered: Buffer = EMPTY;
  #gatheredBytes = 0;
  #neededBytes = 0;

  constructor(sink: FrameSink, expectsPreface: boolean, frameMaxBytes: number) {
    this.#sink = sink;
    this.#frameMaxBytes = frameMaxBytes;
    this.#prefaceLeft = expectsPreface ? PREFACE.length : 0;
  }

  /** The client's preface is complete (server role). */
  get prefaceSeen(): boolean {
    return this.#prefaceLeft === 0;
  }

  /** Decodes all of the chunk, and keeps views of it. */
  push(chunk: Buffer): void {
    let at = this.#prefaceLeft > 0 ? this.#preface(chunk) : 0;
    const { length } = chunk;
    const sink = this.#sink;
    while (at < length && !sink.isOver) {
      if (this.#dataLeft > 0) at = this.#moreData(chunk, at);
      else if (this.#paddingLeft > 0) at = this.#padding(at, length);
      else if (this.#gatheredBytes > 0) at = this.#gather(chunk, at);
      else at = this.#frame(chunk, at);
    }
  }

  /** The frame that begins at `at`. Returns where the next one begins. */
  #frame(chunk: Buffer, at: number): number {
    const left = chunk.length - at;
    if (left < FRAME_HEADER_BYTES) return this.#startGathering(chunk, at, FRAME_HEADER_BYTES);
    const payloadBytes = (chunk[at]! << 16) | (chunk[at + 1]! << 8) | chunk[at + 2]!;
    if (payloadBytes > this.#frameMaxBytes) {
      const text = `a frame of ${payloadBytes} bytes, ${this.#frameMaxBytes} are allowed`;
      throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "frame_size", "RFC 9113 §4.2", text);
    }
    const type = chunk[at + 3]!;
    const flags = chunk[at + 4]!;
    if (type === FrameType.DATA) {
      const headerBytes = (flags & Flag.PADDED) !== 0 && payloadBytes > 0 ? FRAME_HEADER_BYTES + 1 : FRAME_HEADER_BYTES;
      if (left < headerBytes) return this.#startGathering(chunk, at, headerBytes);
      return this.#data(chunk, at, payloadBytes, flags);
    }
    const end = at + FRAME_HEADER_BYTES + payloadBytes;
    if (end > chunk.length) return this.#startGathering(chunk, at, FRAME_HEADER_BYTES + payloadBytes);
    this.#sink.frame(type, flags, readUint31(chunk, at + 5), chunk, at + FRAME_HEADER_BYTES, end);
    return end;
  }

  /** RFC 9113 §6.1. Returns where the content begins. */
  #data(chunk: Buffer, at: number, payloadBytes: number, flags: number): number {
    const start = at + FRAME_HEADER_BYTES;
    const streamId = readUint31(chunk, at + 5);
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.PADDED) === 0) {
      this.#sink.dataFrame(streamId, payloadBytes, payloadBytes, endStream);
      this.#dataLeft = payloadBytes;
      if (payloadBytes === 0) this.#sink.dataPart(EMPTY, true);
      return start;
    }
    const paddingBytes = payloadBytes > 0 ? chunk[start]! : 0;
    const dataBytes = payloadBytes - 1 - paddingBytes;
    if (dataBytes < 0) {
      throw new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "padding", "RFC 9113 §6.1", "padding longer than its frame");
    }
    this.#sink.dataFrame(streamId, payloadBytes, dataBytes, endStream);
    this.#dataLeft = dataBytes;
    this.#paddingLeft = paddingBytes;
    if (dataBytes === 0) this.#sink.dataPart(EMPTY, true);
    return start + 1;
  }

  #moreData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#dataLeft);
    this.#dataLeft -= end - at;
    this.#sink.dataPart(chunk.subarray(at, end), this.#dataLeft === 0);
    return end;
  }

  #padding(at: number, length: number): number {
    const end = Math.min(length, at + this.#paddingLeft);
    this.#paddingLeft -= end - at;
    return end;
  }

  #startGathering(chunk: Buffer, at: number, neededBytes: number): number {
    this.#gathered = Buffer.allocUnsafe(neededBytes);
    this.#neededBytes = neededBytes;
    this.#gatheredBytes = chunk.copy(this.#gathered, 0, at);
    return chunk.length;
  }

  /** Adds what is needed; a header that is whole says how much more its frame needs. */
  #gather(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#gathered, this.#gatheredBytes, at, at + this.#neededBytes - this.#gatheredBytes);
    this.#gatheredBytes += taken;
    if (this.#gatheredBytes === this.#neededBytes) {
      const whole = this.#gathered;
      this.#gathered = EMPTY;
      this.#gatheredBytes = 0;
      this.#frame(whole, 0);
    }
    return at + taken;
  }

  #preface(chunk: Buffer): number {
    const from = PREFACE.length - this.#prefaceLeft;
    const taken = Math.min(this.#prefaceLeft, chunk.length);
    if (chunk.compare(PREFACE, from, from + taken, 0, taken) !== 0) {
      const text = "the connection did not begin with the HTTP/2 preface";
      throw new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "preface", "RFC 9113 §3.4", text);
    }
    this.#prefaceLeft -= taken;
    return taken;
  }
}
