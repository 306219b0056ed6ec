/**
 * Receives messages: HEADERS, CONTINUATION and DATA become requests, responses, content and trailers of streams
 * (RFC 9113 §8.1). Methods throw ConnectionFault where the connection cannot go on.
 */
import type { Budgets } from "./budgets.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { ConnectionEvents, Role } from "./contract.ts";
import { ConnectionFault, ErrorCode, StreamFault } from "./errors.ts";
import { broken, closed, wrongSize } from "./faults.ts";
import { ReceiveWindow } from "./flow-window.ts";
import { Flag, readUint31 } from "./frames.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { type BlockKind, MessageHead } from "./message-rules.ts";
import type { ConnectionOptions } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import { OpenStream } from "./stream.ts";
import { Half } from "./stream-state.ts";
import type { StreamTable } from "./stream-table.ts";

/** What the receiving side works with. */
export interface InboundParts {
  readonly role: Role;
  readonly options: ConnectionOptions;
  readonly events: ConnectionEvents;
  readonly streams: StreamTable;
  readonly outbound: Outbound;
  readonly budgets: Budgets;
  readonly state: ConnectionState;
}

const ONE_TOO_MANY = new StreamFault(
  ErrorCode.REFUSED_STREAM,
  "refused_streams",
  "RFC 9113 §5.1.2",
  "a stream over MAX_CONCURRENT_STREAMS",
);

export class MessageReceiver {
  readonly #role: Role;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  readonly #budgets: Budgets;
  readonly #state: ConnectionState;
  readonly #hpack = new HpackDecoder();
  readonly #head: MessageHead;
  readonly #block: HeaderBlock;
  readonly #window: ReceiveWindow;
  /** The stream of the DATA frame under way; undefined: its content is dropped. */
  #dataStream: OpenStream | undefined;
  #dataEndsStream = false;

  constructor(parts: InboundParts) {
    this.#role = parts.role;
    this.#options = parts.options;
    this.#events = parts.events;
    this.#streams = parts.streams;
    this.#outbound = parts.outbound;
    this.#budgets = parts.budgets;
    this.#state = parts.state;
    this.#head = new MessageHead(parts.options);
    this.#block = new HeaderBlock(parts.options);
    this.#window = new ReceiveWindow(parts.options.connectionWindowBytes);
  }

  /** The stream whose header block is under way, 0 for none: nothing else may come (RFC 9113 §6.10). */
  get blockStreamId(): number {
    return this.#block.streamId;
  }

  /** The fault of a header block that has been under way for too long. */
  overdue(nowMs: number): ConnectionFault | undefined {
    return this.#block.overdue(nowMs);
  }

  /** The peer acknowledged our SETTINGS. */
  settingsAcknowledged(): void {
    this.#state.settingsAcknowledged = true;
    this.#outbound.settingsAcknowledged();
    this.#hpack.limit(this.#options.decoderTableMaxBytes);
  }

  /** RFC 9113 §6.1. Credit for the connection goes back at receipt, whatever becomes of the content (invariant 5). */
  dataFrame(streamId: number, frameBytes: number, dataBytes: number, endStream: boolean): void {
    if (streamId === 0) throw broken("data_stream_0", "§6.1", "DATA on stream 0");
    if (!this.#window.take(frameBytes)) {
      throw new ConnectionFault(
        ErrorCode.FLOW_CONTROL_ERROR,
        "connection_window",
        "RFC 9113 §6.9.1",
        "DATA beyond the connection's window",
      );
    }
    const increment = this.#window.credit(frameBytes);
    if (increment > 0) this.#outbound.windowUpdate(0, increment);
    this.#budgets.dataReceived(dataBytes, endStream);
    const stream = this.#streams.get(streamId);
    this.#dataStream = stream;
    this.#dataEndsStream = endStream;
    if (stream === undefined) this.#dataOfClosed(streamId, endStream);
    else this.#checkData(stream, frameBytes, dataBytes, endStream);
  }

  dataPart(part: Buffer, isLast: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.isOver) return;
    const endStream = isLast && this.#dataEndsStream;
    if (part.length === 0 && !endStream) return;
    if (endStream) stream.remote = Half.CLOSED;
    stream.handler.data(part, endStream);
    if (endStream) stream.remoteEnded();
  }

  #checkData(stream: OpenStream, frameBytes: number, dataBytes: number, endStream: boolean): void {
    if (stream.remote === Half.CLOSED) throw closed("data_on_closed_stream", "DATA behind END_STREAM");
    if (stream.remote === Half.HEAD) {
      this.#streamFault(
        stream,
        ErrorCode.PROTOCOL_ERROR,
        "data_before_headers",
        "§8.1",
        "DATA before the response head",
      );
      return;
    }
    if (!stream.receiveWindow.take(frameBytes)) {
      const text = "DATA beyond the stream's window";
      this.#streamFault(stream, ErrorCode.FLOW_CONTROL_ERROR, "stream_window", "§6.9.1", text);
      return;
    }
    if (frameBytes > dataBytes) stream.consumed(frameBytes - dataBytes);
    if (stream.contentLeftBytes < 0) return;
    stream.contentLeftBytes -= dataBytes;
    if (stream.contentLeftBytes < 0 || (endStream && stream.contentLeftBytes > 0)) this.#contentLengthFault(stream);
  }

  #contentLengthFault(stream: OpenStream): void {
    const text = "the content is not as long as content-length says";
    this.#streamFault(stream, ErrorCode.PROTOCOL_ERROR, "content_length", "§8.1.1", text);
  }

  /** DATA of a stream that is not open: of one that we reset it is dropped, else the peer is wrong. */
  #dataOfClosed(streamId: number, endStream: boolean): void {
    const kind = this.#streams.closedKind(streamId);
    if (kind === "idle" || kind === "skipped") throw broken("data_on_idle_stream", "§5.1", "DATA on an idle stream");
    if (kind === "closed") throw closed("data_on_closed_stream", "DATA on a closed stream");
    if (endStream) this.#streams.forgetLate(streamId);
  }

  /** RFC 9113 §6.2. */
  headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) throw broken("headers_stream_0", "§6.2", "HEADERS on stream 0");
    let at = start;
    let blockEnd = end;
    if ((flags & Flag.PADDED) !== 0) {
      if (at >= end) throw wrongSize("HEADERS");
      blockEnd -= bytes[at]!;
      at++;
    }
    if ((flags & Flag.PRIORITY) !== 0) {
      if (at + 5 > end) throw wrongSize("HEADERS");
      checkDependency(streamId, bytes, at);
      at += 5;
    }
    if (at > blockEnd) throw broken("padding", "§6.2", "padding longer than its frame");
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if (at === blockEnd) this.#budgets.empties.spend();
    if ((flags & Flag.END_HEADERS) !== 0) this.#headerBlock(streamId, endStream, bytes, at, blockEnd);
    else this.#block.begin(streamId, endStream, bytes.subarray(at, blockEnd), this.#state.nowMs);
  }

  continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    if (start === end) this.#budgets.empties.spend();
    this.#block.continue(bytes.subarray(start, end));
    if ((flags & Flag.END_HEADERS) === 0) return;
    const { streamId, endStream } = this.#block;
    const block = this.#block.take();
    this.#headerBlock(streamId, endStream, block, 0, block.length);
  }

  /** A whole header block: of an open stream, of a new one, or of one that we reset. */
  #headerBlock(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      if (stream.remote === Half.CLOSED) throw closed("headers_on_closed_stream", "HEADERS behind END_STREAM");
      if (stream.remote === Half.BODY) this.#trailers(stream, endStream, bytes, start, end);
      else this.#response(stream, endStream, bytes, start, end);
      return;
    }
    switch (this.#streams.closedKind(streamId)) {
      case "late":
        this.#decode("ignored", bytes, start, end);
        if (endStream) this.#streams.forgetLate(streamId);
        return;
      case "closed":
        throw closed("headers_on_closed_stream", "HEADERS on a closed stream");
      case "skipped":
        throw broken("stream_id", "§5.1.1", "a stream id lower than the one before");
      case "idle":
        if (this.#role === "client" || (streamId & 1) === 0) {
          throw broken("stream_id", "§5.1.1", "a stream id that is not the peer's to open");
        }
        this.#request(streamId, endStream, bytes, start, end);
    }
  }

  #request(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.#streams.openedByPeer(streamId);
    const isOneTooMany = this.#streams.size >= this.#options.concurrentStreamsMax;
    if (isOneTooMany || streamId > this.#state.acceptsUpToId) {
      if (isOneTooMany) {
        this.#budgets.refusals.spend();
        this.#events.streamFault?.(ONE_TOO_MANY);
      }
      this.#refuse(streamId, endStream, bytes, start, end);
      return;
    }
    this.#decode("request", bytes, start, end);
    const head = this.#head;
    this.#state.lastHandedId = streamId;
    const stream = new OpenStream(streamId, this.#streams, this.#outbound);
    this.#streams.add(stream);
    stream.remote = endStream ? Half.CLOSED : Half.BODY;
    stream.contentLeftBytes = head.contentLength;
    if (head.fault !== undefined) {
      this.#fail(stream, head.fault, false);
    } else if (endStream && head.contentLength > 0) {
      const text = "content-length without content";
      this.#fail(stream, new StreamFault(ErrorCode.PROTOCOL_ERROR, "content_length", "RFC 9113 §8.1.1", text), false);
    } else if (head.oversized) {
      stream.attach(this.#events.oversizedRequest(stream, head.list));
    } else {
      stream.attach(this.#events.request(stream, head.list, endStream));
    }
  }

  /** RFC 9113 §8.7: it was not processed, and may be sent again elsewhere. */
  #refuse(streamId: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.#decode("ignored", bytes, start, end);
    if (!endStream) this.#streams.rememberLate(streamId);
    this.#outbound.resetReply(streamId, ErrorCode.REFUSED_STREAM);
  }

  #response(stream: OpenStream, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.#decode("response", bytes, start, end);
    const head = this.#head;
    if (this.#isFaulty(stream)) return;
    if (head.status < "200") {
      this.#interim(stream, endStream, head.status);
      return;
    }
    const hasContent = !stream.isHeadRequest && head.status !== "204" && head.status !== "304";
    // Where there is no content (RFC 9110 §6.4.1), content-length says what there would be.
    stream.contentLeftBytes = hasContent ? head.contentLength : 0;
    if (endStream && stream.contentLeftBytes > 0) {
      this.#contentLengthFault(stream);
      return;
    }
    stream.remote = endStream ? Half.CLOSED : Half.BODY;
    stream.handler.headers(head.list, endStream);
    if (endStream) stream.remoteEnded();
  }

  /** 1xx: nothing that we asked for; skipped. 101 has no place in HTTP/2 (RFC 9113 §8.6). */
  #interim(stream: OpenStream, endStream: boolean, status: string): void {
    if (endStream || status === "101") {
      const text = "an interim response that ends the stream, or 101";
      this.#streamFault(stream, ErrorCode.PROTOCOL_ERROR, "interim_response", "§8.1", text);
    } else {
      this.#budgets.ignored.spend();
    }
  }

  #trailers(stream: OpenStream, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.#decode("trailers", bytes, start, end);
    if (this.#isFaulty(stream)) return;
    if (!endStream) {
      const text = "trailers that do not end the stream";
      this.#streamFault(stream, ErrorCode.PROTOCOL_ERROR, "trailers_without_end", "§8.1", text);
    } else if (stream.contentLeftBytes > 0) {
      this.#contentLengthFault(stream);
    } else {
      stream.remote = Half.CLOSED;
      stream.handler.trailers(this.#head.list);
      stream.remoteEnded();
    }
  }

  /** Ends the stream if its header block is malformed or too large. */
  #isFaulty(stream: OpenStream): boolean {
    const { fault, oversized } = this.#head;
    if (fault !== undefined) this.#fail(stream, fault, true);
    else if (oversized) {
      const text = "a header list over the limit";
      this.#streamFault(stream, ErrorCode.ENHANCE_YOUR_CALM, "header_list_size", "§10.5.1", text);
    }
    return stream.isOver;
  }

  #decode(kind: BlockKind, bytes: Buffer, start: number, end: number): void {
    this.#head.begin(kind);
    this.#hpack.decode(bytes, start, end, this.#head);
    this.#head.end();
  }

  #streamFault(stream: OpenStream, code: ErrorCode, token: string, section: string, message: string): void {
    this.#fail(stream, new StreamFault(code, token, `RFC 9113 ${section}`, message), true);
  }

  /** RST_STREAM, and the handler is told if there is one. It counts as a reset: the peer provoked it. */
  #fail(stream: OpenStream, fault: StreamFault, hasHandler: boolean): void {
    if (this.#role === "server") this.#budgets.resets.spend();
    this.#outbound.resetReply(stream.id, fault.code);
    this.#events.streamFault?.(fault);
    if (hasHandler) stream.aborted(fault.code, false, fault);
    else stream.discard();
  }
}

/** The priority of RFC 7540 has no effect any more, but a stream cannot depend on itself (CVE-2025-8671). */
export function checkDependency(streamId: number, bytes: Buffer, at: number): void {
  if (readUint31(bytes, at) === streamId) {
    throw broken("self_dependency", "RFC 7540 §5.3.1", "a stream that depends on itself");
  }
}
