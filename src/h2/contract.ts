/**
 * What this layer and its owner (the gateway) are to each other: the owner moves bytes and tells the time, and is told
 * what the peer's bytes mean. Handlers may call any method of any stream or connection from inside an event.
 */
import type { ConnectionFault, ErrorCode, StreamFault } from "./errors.ts";

/** Flat list [name, value, name, value, ...]; names lower case; bytes as latin1 strings; pseudo-headers first. */
export type HeaderList = string[];

/** Who opens streams on a connection: the client. */
export type Role = "server" | "client";

/** What a connection needs of the owner of the socket. */
export interface Transport {
  /** The time, monotonic, finer than a tick's: asked for once in some hundred KiB. */
  nowMs(): number;
  /**
   * Bytes wait to be written: call `connection.flush()` soon; where it `mayWait`, within a few milliseconds or with what
   * comes next. Called once until the next flush, or twice where the first one may wait.
   */
  scheduleFlush(mayWait: boolean): void;
  /**
   * Takes over the bytes of all parts, one or more (never touched again). False: the socket is full; call
   * `connection.drained()` when it is not.
   */
  write(parts: readonly Buffer[]): boolean;
  /**
   * The connection is over: everything that matters was written. Close the socket, gracefully (so that a last GOAWAY
   * gets out) unless `hard`, and see to it that it is gone soon whatever the peer does.
   */
  close(hard: boolean): void;
}

/** What happens on a connection. */
export interface ConnectionEvents {
  /** Server role: a well-formed request head (RFC 9113 §8.1-8.3 checked). Returns the stream's handler. */
  request(stream: Stream, headers: HeaderList, endStream: boolean): StreamHandler;
  /**
   * Server role: the request head is larger than the header list or field count limit (it was decoded, not stored).
   * `headers` holds what fitted (pseudo-headers as far as seen). The owner answers on `stream`. Whether the body ended
   * with the head: `stream.remoteClosed`.
   */
  oversizedRequest(stream: Stream, headers: HeaderList): StreamHandler;
  /** The peer's first SETTINGS arrived, or a later one changed something (read `connection.peer`). */
  settings(): void;
  /**
   * The peer sent GOAWAY. After this event streams of ours above lastStreamId get `reset(REFUSED_STREAM)` with
   * `unprocessed` true.
   */
  goAway(lastStreamId: number, code: ErrorCode, debug: string): void;
  /** Optional: the peer has acknowledged all SETTINGS of ours, so that it has read what was sent before the last. */
  probeAnswered?(): void;
  /** The connection is over; every stream that was open gets its `reset` after this. No fault: a clean end. */
  closed(fault: ConnectionFault | undefined): void;
  /** Optional, for counting: this layer ended a stream for a fault of the peer's, also before there was a handler. */
  streamFault?(fault: StreamFault): void;
}

/** What happens on one stream; one object for each stream. */
export interface StreamHandler {
  /** Client role: the response head (the final one; 1xx are skipped). */
  headers(headers: HeaderList, endStream: boolean): void;
  /**
   * A part of the body, as it arrived (a frame may come in several parts). It counts against the stream's window until
   * `stream.consumed(chunk.length)`. The chunk is a view that is never reused; it may be empty where `endStream`.
   */
  data(chunk: Buffer, endStream: boolean): void;
  /** Trailers: always the end of the peer's side. */
  trailers(headers: HeaderList): void;
  /**
   * The stream ended abnormally: RST_STREAM received (`fault` undefined), a stream fault found by this layer, or the
   * connection is gone (`fault.token` is `connection_lost`, `connection_destroyed`, or the connection fault's token).
   * `unprocessed`: the peer proved that it never saw it (REFUSED_STREAM, or above its GOAWAY's last id; `fault`
   * undefined). Nothing follows but `closed`.
   */
  reset(code: ErrorCode, unprocessed: boolean, fault: StreamFault | undefined): void;
  /** `bytes` of what was given to `stream.data` left for the socket. Called for all DATA, also from inside `data`. */
  sent(bytes: number): void;
  /**
   * Both sides are closed, or it was reset by whomever: exactly once, last event of the stream. It may come from inside
   * a call of the handler's own to `data`, `trailers` or `reset`. Queued bytes that were dropped got no `sent`.
   */
  closed(): void;
}

/** One stream, as its handler uses it. After its end every method does nothing: a peer's reset may cross our calls. */
export interface Stream {
  readonly id: number;
  /** Server role: the response head. Throws UsageError when called twice. */
  headers(headers: HeaderList, endStream: boolean): void;
  /** Never refuses: queues what windows or socket do not take; the giver bounds it by credit. */
  data(chunk: Buffer, endStream: boolean): void;
  /** Ends our side, after queued data. */
  trailers(headers: HeaderList): void;
  /**
   * At once; queued data is dropped. But NO_ERROR after our side was ended waits until all of it was sent
   * (RFC 9113 §8.1: a server may give up the rest of a request after a complete response).
   */
  reset(code: ErrorCode): void;
  /** The handler is done with `bytes` of DATA: the peer may send as many again (RFC 9113 §5.2; sent in batches). */
  consumed(bytes: number): void;
  /** Forgets the DATA that waits for window or socket, so that `trailers` go out now: the end of a call that is cut. */
  dropQueued(): void;
  /** Ticks (seconds, about) in which no DATA of those that wait could be sent; -1: none wait. */
  readonly stalledPeriods: number;
  /** Bytes of DATA that wait for window or socket. */
  readonly queuedBytes: number;
  /** END_STREAM of ours was written, or the stream was reset. */
  readonly localClosed: boolean;
  /** END_STREAM of the peer's arrived, or the stream was reset. */
  readonly remoteClosed: boolean;
  readonly isReset: boolean;
}

/** Memory that grown windows share: a window grows only while there is room. */
export interface MemoryBudget {
  /** True: the bytes are taken until `release`. */
  tryReserve(bytes: number): boolean;
  release(bytes: number): void;
}

/** The peer's settings (RFC 9113 §6.5.2), with the RFC's initial values until it sends others. */
export interface PeerSettings {
  /** Whether its first SETTINGS arrived. */
  readonly received: boolean;
  readonly maxConcurrentStreams: number;
  readonly initialWindowSizeBytes: number;
  readonly maxFrameSizeBytes: number;
  readonly headerTableSizeBytes: number;
  readonly maxHeaderListBytes: number;
}
