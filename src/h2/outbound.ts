/**
 * The sending side of a connection: writes frames into the write buffer, holds DATA back where windows or the socket do
 * not take it, and serves the streams that wait in turn, a frame each (invariant 5).
 */
import { LinkedQueue } from "../base/base.ts";
import type { Budgets } from "./budgets.ts";
import type { HeaderList, MemoryBudget, Transport } from "./contract.ts";
import { ConnectionFault, ErrorCode } from "./errors.ts";
import { INITIAL_WINDOW_BYTES, type WindowGrowth } from "./flow-window.ts";
import { Flag, FRAME_HEADER_BYTES, FrameType, PREFACE } from "./frames.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import type { ConnectionOptions } from "./options.ts";
import { SendQueue } from "./send-queue.ts";
import { type ReceivedSettings, SETTING_BYTES } from "./settings.ts";
import type { OpenStream } from "./stream.ts";
import { Half } from "./stream-state.ts";
import { WriteBuffer } from "./write-buffer.ts";

export class Outbound implements WindowGrowth {
  readonly peer: ReceivedSettings;
  /** From our SETTINGS to the peer's answer; 0 until it has come. */
  roundTripMs = 0;
  #settingsSentAtMs = -1;
  /** RST_STREAM frames sent so far: peers count them. */
  resetsSent = 0;
  /** Bytes of DATA that the peer lets us send on all streams together. */
  windowBytes = INITIAL_WINDOW_BYTES;
  #isOver = false;
  #isBlocked = false;
  #flushIsAsked = false;
  /** A flush is asked for that may wait. */
  #lateFlushIsAsked = false;
  /** Answers to the peer's frames that wait for the socket (CVE-2019-9512). */
  #queuedReplies = 0;
  readonly #ready = new LinkedQueue<OpenStream>();
  readonly #buffer: WriteBuffer;
  readonly #encoder: HpackEncoder;
  readonly #options: ConnectionOptions;
  readonly #transport: Transport;
  readonly #budgets: Budgets;

  constructor(peer: ReceivedSettings, options: ConnectionOptions, transport: Transport, budgets: Budgets) {
    this.peer = peer;
    this.#options = options;
    this.#transport = transport;
    this.#budgets = budgets;
    this.#buffer = new WriteBuffer(options.copyBelowBytes);
    this.#encoder = new HpackEncoder(options.encoderTableMaxBytes);
  }

  /** Nothing waits but DATA without window. */
  get isEmpty(): boolean {
    return this.#buffer.sizeBytes === 0;
  }

  /** Bytes that wait because the socket is full. */
  get waitingBytes(): number {
    return this.#isBlocked ? this.#buffer.sizeBytes : 0;
  }

  preface(): void {
    this.#buffer.payload(PREFACE, 0, PREFACE.length);
  }

  get maxBytes(): number {
    return this.#options.streamWindowMaxBytes;
  }

  get budget(): MemoryBudget {
    return this.#options.memoryBudget;
  }

  nowMs(): number {
    return this.#transport.nowMs();
  }

  /** The peer acknowledged our SETTINGS: the one round trip that every connection has anyway. */
  settingsAcknowledged(): void {
    if (this.roundTripMs === 0) this.roundTripMs = this.nowMs() - this.#settingsSentAtMs;
  }

  /** Flat list [id, value, ...]. */
  settings(entries: readonly number[]): void {
    if (this.#settingsSentAtMs < 0) this.#settingsSentAtMs = this.nowMs();
    this.#frame((entries.length / 2) * SETTING_BYTES, FrameType.SETTINGS, 0, 0);
    for (let at = 0; at < entries.length; at += 2) {
      const { bytes, end } = this.#buffer;
      bytes[end] = entries[at]! >>> 8;
      bytes[end + 1] = entries[at]!;
      this.#buffer.end = end + 2;
      this.#buffer.uint32(entries[at + 1]!);
    }
  }

  settingsAck(): void {
    this.#frame(0, FrameType.SETTINGS, Flag.ACK, 0);
    this.#countReply();
  }

  /** `payload`: eight bytes. */
  ping(payload: Buffer): void {
    this.#frame(8, FrameType.PING, 0, 0);
    this.#copy(payload);
  }

  /**
   * The answer waits a moment for company. grpc-go sends a PING with the answer to every call that finds none under way
   * (to estimate bandwidth), and a write of its own for each would be a fifth of a lone call's system calls.
   */
  pingAck(payload: Buffer): void {
    this.#buffer.reserve(FRAME_HEADER_BYTES + 8);
    this.#buffer.header(8, FrameType.PING, Flag.ACK, 0);
    this.#copy(payload);
    if (!this.#flushIsAsked && !this.#lateFlushIsAsked && !this.#isBlocked && !this.#isOver) {
      this.#lateFlushIsAsked = true;
      this.#transport.scheduleFlush(true);
    }
    this.#countReply();
  }

  goAway(lastStreamId: number, code: ErrorCode, debug: string): void {
    const text = Buffer.from(debug, "utf8");
    this.#frame(8 + text.length, FrameType.GOAWAY, 0, 0);
    this.#buffer.uint32(lastStreamId);
    this.#buffer.uint32(code);
    this.#copy(text);
  }

  /** Streams' own resets are no more than the streams; those that a peer provokes count as answers. */
  reset(streamId: number, code: ErrorCode): void {
    this.resetsSent++;
    this.#frame(4, FrameType.RST_STREAM, 0, streamId);
    this.#buffer.uint32(code);
  }

  resetReply(streamId: number, code: ErrorCode): void {
    this.reset(streamId, code);
    this.#countReply();
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#frame(4, FrameType.WINDOW_UPDATE, 0, streamId);
    this.#buffer.uint32(increment);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE changed. */
  offerTable(sizeBytes: number): void {
    this.#encoder.offer(sizeBytes);
  }

  /**
   * Encodes and writes at once: header blocks must leave in the order in which they were encoded. `common`: fields behind
   * `headers` that are the same for many messages, one list that is never changed.
   */
  headers(streamId: number, headers: HeaderList, endStream: boolean, common?: HeaderList): void {
    const buffer = this.#buffer;
    const boundBytes = HpackEncoder.boundBytes(headers) + (common === undefined ? 0 : HpackEncoder.boundBytes(common));
    buffer.reserve(FRAME_HEADER_BYTES + boundBytes);
    const blockStart = buffer.end + FRAME_HEADER_BYTES;
    let blockEnd = this.#encoder.encode(headers, buffer.bytes, blockStart);
    if (common !== undefined) blockEnd = this.#encoder.encodeCommon(common, buffer.bytes, blockEnd);
    const flags = endStream ? Flag.END_STREAM : 0;
    if (blockEnd - blockStart > this.peer.maxFrameSizeBytes) {
      this.#splitBlock(streamId, flags, blockStart, blockEnd);
    } else {
      buffer.header(blockEnd - blockStart, FrameType.HEADERS, flags | Flag.END_HEADERS, streamId);
      buffer.end = blockEnd;
    }
    this.#budgets.headersSent();
    this.askFlush();
  }

  /** Sends at once what fits and has nobody in front of it; the rest waits. */
  data(stream: OpenStream, chunk: Buffer, endStream: boolean): void {
    const { length } = chunk;
    if (stream.queue === undefined && this.#fitsNow(stream, length)) {
      if (length === 0 && !endStream) return;
      if (endStream) stream.local = Half.CLOSED;
      this.#dataHeader(stream, length, endStream);
      this.#buffer.payload(chunk, 0, length);
      if (length > 0) stream.sent(length);
      if (endStream) stream.localEnded();
      return;
    }
    if (stream.queue === undefined) {
      stream.queue = new SendQueue();
      stream.waitingSincePeriod = stream.period;
    }
    stream.queue.push(chunk);
    if (endStream) stream.local = Half.ENDING;
    this.#makeReady(stream);
  }

  trailers(stream: OpenStream, headers: HeaderList): void {
    if (stream.queue !== undefined) {
      stream.local = Half.ENDING;
      stream.queuedTrailers = headers;
      return;
    }
    stream.local = Half.CLOSED;
    this.headers(stream.id, headers, true);
    stream.localEnded();
  }

  /** The peer let this stream send more: it takes its turn if it waited. */
  windowGrew(stream: OpenStream): void {
    if (stream.queue !== undefined) this.#makeReady(stream);
  }

  connectionWindowGrew(): void {
    if (this.#ready.length > 0) this.askFlush();
  }

  /** The stream is over. */
  forget(stream: OpenStream): void {
    this.#ready.remove(stream);
  }

  /** Hands to the transport all that may go now. */
  flush(): void {
    this.#lateFlushIsAsked = false;
    this.#writeAll();
    this.#flushIsAsked = false;
  }

  /** The socket takes more. A flush that was asked for is still to come. */
  drained(): void {
    this.#isBlocked = false;
    const flushIsAsked = this.#flushIsAsked;
    this.#writeAll();
    this.#flushIsAsked = flushIsAsked;
  }

  /** What is put into the buffer meanwhile goes too, so that no flush need be asked for. */
  #writeAll(): void {
    this.#flushIsAsked = true;
    while (!this.#isOver && !this.#isBlocked) {
      this.#serveReady();
      if (this.#isOver || this.#buffer.sizeBytes === 0) return;
      this.#queuedReplies = 0;
      if (!this.#transport.write(this.#buffer.take())) this.#isBlocked = true;
    }
  }

  /** Writes what was gathered, but no waiting DATA, and nothing from then on. False: the socket was full already. */
  finish(): boolean {
    const canWrite = !this.#isBlocked;
    this.#isOver = true;
    const parts = this.#buffer.take();
    if (canWrite && parts.length > 0) this.#transport.write(parts);
    return canWrite;
  }

  /** The socket is gone: nothing is written from now on. */
  drop(): void {
    this.#isOver = true;
    this.#buffer.take();
  }

  /** Has the owner flush soon. */
  askFlush(): void {
    if (this.#flushIsAsked || this.#isBlocked || this.#isOver) return;
    this.#flushIsAsked = true;
    this.#transport.scheduleFlush(false);
  }

  /** One frame of each waiting stream in turn, while the buffer has room. */
  #serveReady(): void {
    while (this.windowBytes > 0 && this.#buffer.sizeBytes < this.#options.writeBufferMaxBytes) {
      const stream = this.#ready.shift();
      if (stream === undefined || this.#isOver) return;
      this.#serve(stream);
    }
  }

  #serve(stream: OpenStream): void {
    const queue = stream.queue;
    if (queue === undefined || stream.sendWindowBytes <= 0) return;
    const count = Math.min(queue.sizeBytes, stream.sendWindowBytes, this.windowBytes, this.peer.maxFrameSizeBytes);
    const isLast = count === queue.sizeBytes;
    const isEnding = isLast && stream.local === Half.ENDING;
    const trailers = stream.queuedTrailers;
    if (isEnding) stream.local = Half.CLOSED;
    if (isLast) stream.queue = undefined;
    else if (stream.sendWindowBytes > count) this.#ready.push(stream);
    stream.waitingSincePeriod = stream.period;
    this.#dataHeader(stream, count, isEnding && trailers === undefined);
    queue.moveTo(this.#buffer, count);
    if (isEnding && trailers !== undefined) this.headers(stream.id, trailers, true);
    if (count > 0) stream.sent(count);
    if (isEnding) stream.localEnded();
  }

  #fitsNow(stream: OpenStream, count: number): boolean {
    if (count === 0) return true;
    return (
      count <= stream.sendWindowBytes &&
      count <= this.windowBytes &&
      count <= this.peer.maxFrameSizeBytes &&
      !this.#isBlocked &&
      this.#ready.length === 0 &&
      this.#buffer.sizeBytes + count <= this.#options.writeBufferMaxBytes
    );
  }

  #makeReady(stream: OpenStream): void {
    if (stream.sendWindowBytes <= 0) return;
    if (stream.queuedIn === undefined) this.#ready.push(stream);
    if (this.windowBytes > 0) this.askFlush();
  }

  #dataHeader(stream: OpenStream, count: number, endStream: boolean): void {
    this.windowBytes -= count;
    stream.sendWindowBytes -= count;
    this.#buffer.reserve(FRAME_HEADER_BYTES);
    this.#buffer.header(count, FrameType.DATA, endStream ? Flag.END_STREAM : 0, stream.id);
    this.#budgets.dataSent();
    this.askFlush();
  }

  /** Writes the header of a frame that is not large, and makes room for its payload. */
  #frame(payloadBytes: number, type: number, flags: number, streamId: number): void {
    this.#buffer.reserve(FRAME_HEADER_BYTES + payloadBytes);
    this.#buffer.header(payloadBytes, type, flags, streamId);
    this.askFlush();
  }

  #copy(payload: Buffer): void {
    this.#buffer.bytes.set(payload, this.#buffer.end);
    this.#buffer.end += payload.length;
  }

  /** A block larger than the peer's frames: HEADERS, then CONTINUATION (RFC 9113 §6.10). */
  #splitBlock(streamId: number, flags: number, blockStart: number, blockEnd: number): void {
    const buffer = this.#buffer;
    const block = Buffer.from(buffer.bytes.subarray(blockStart, blockEnd));
    const maxBytes = this.peer.maxFrameSizeBytes;
    for (let at = 0; at < block.length; at += maxBytes) {
      const part = block.subarray(at, at + maxBytes);
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const endHeaders = at + maxBytes >= block.length ? Flag.END_HEADERS : 0;
      buffer.reserve(FRAME_HEADER_BYTES);
      buffer.header(part.length, type, (at === 0 ? flags : 0) | endHeaders, streamId);
      buffer.payload(part, 0, part.length);
    }
  }

  #countReply(): void {
    this.#queuedReplies++;
    if (this.#queuedReplies <= this.#options.queuedRepliesMax || !this.#isBlocked) return;
    const text = "the peer makes us answer, and does not read the answers";
    throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "queued_replies", "RFC 9113 §10.5", text);
  }
}
