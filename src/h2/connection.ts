import { Budgets } from "./budgets.ts";
import { ConnectionState } from "./connection-state.ts";
import type { ConnectionEvents, HeaderList, PeerSettings, Role, Stream, StreamHandler, Transport } from "./contract.ts";
import { ConnectionFault, ErrorCode, StreamFault, UsageError } from "./errors.ts";
import { INITIAL_WINDOW_BYTES } from "./flow-window.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import { Inbound } from "./inbound.ts";
import type { ConnectionOptions } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { ownSettings, ReceivedSettings } from "./settings.ts";
import { OpenStream } from "./stream.ts";
import { Half } from "./stream-state.ts";
import { StreamTable } from "./stream-table.ts";

/** Ticks closer together than this count as one: budgets and windows reckon in seconds. */
const PERIOD_MS = 900;

/**
 * One HTTP/2 connection, in either role. It is told bytes and time, and writes bytes to its transport; it owns no socket
 * and no timer. It only joins its parts: bytes go to the frame decoder, frames to `Inbound`, what is sent to `Outbound`.
 */
export class Connection {
  readonly #role: Role;
  readonly #transport: Transport;
  readonly #events: ConnectionEvents;
  readonly #options: ConnectionOptions;
  readonly #state = new ConnectionState();
  readonly #budgets: Budgets;
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #decoder: FrameDecoder;
  #startedAtMs = -1;
  #periodBeganAtMs = -1;

  constructor(role: Role, options: ConnectionOptions, transport: Transport, events: ConnectionEvents) {
    this.#role = role;
    this.#options = options;
    this.#transport = transport;
    this.#events = events;
    this.#budgets = new Budgets(options);
    const streams = new StreamTable(role, options, (endedWell) => this.#streamRemoved(endedWell));
    const peer = new ReceivedSettings(role === "server" ? "client" : "server");
    const outbound = new Outbound(peer, options, transport, this.#budgets);
    const parts = { role, options, events, streams, outbound, budgets: this.#budgets, state: this.#state };
    this.#streams = streams;
    this.#outbound = outbound;
    this.#inbound = new Inbound(parts);
    this.#decoder = new FrameDecoder(this.#inbound, role === "server", options.frameSizeMaxBytes);
  }

  /** Client role: preface and SETTINGS; server role: SETTINGS; both: the connection's window. */
  start(): void {
    if (this.#role === "client") this.#outbound.preface();
    this.#state.settingsOutstanding = 1;
    this.#outbound.settings(ownSettings(this.#role, this.#options));
    const more = this.#options.connectionWindowBytes - INITIAL_WINDOW_BYTES;
    if (more > 0) this.#outbound.windowUpdate(0, more);
  }

  /**
   * The peer's next bytes, which the connection may keep views of for ever. Never throws for what a peer did: it sends
   * RST_STREAM or GOAWAY. Throws only what a handler throws. `nowMs`: the time, where finer than that of the last tick.
   */
  receive(chunk: Buffer, nowMs: number = this.#state.nowMs): void {
    if (this.#state.isOver) return;
    this.#state.nowMs = nowMs;
    this.#state.lastReceivedAtMs = nowMs;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.destroy(error);
    }
  }

  /** Tells the time (monotonic), about every second: budgets refill, windows may grow, what takes too long ends. */
  tick(nowMs: number): void {
    if (this.#state.isOver) return;
    this.#state.nowMs = nowMs;
    if (this.#startedAtMs < 0) {
      this.#startedAtMs = this.#periodBeganAtMs = nowMs;
      if (this.#state.lastReceivedAtMs < 0) this.#state.lastReceivedAtMs = nowMs;
    }
    const elapsedMs = nowMs - this.#periodBeganAtMs;
    if (elapsedMs < PERIOD_MS) return;
    this.#periodBeganAtMs = nowMs;
    this.#streams.period++;
    this.#budgets.pass(elapsedMs);
    const fault = this.#settingsTimeout(nowMs) ?? this.#inbound.overdue(nowMs);
    if (fault !== undefined) this.destroy(fault);
  }

  /** Writes all that may go now: what was gathered first, then DATA of the streams that wait, in turn. */
  flush(): void {
    this.#outbound.flush();
    this.#closeIfIdle();
  }

  /** The socket takes more after `write` returned false. */
  drained(): void {
    this.#outbound.drained();
    this.#closeIfIdle();
  }

  /**
   * Client role: opens a stream. `common`: fields behind `headers` that many requests share, one list that is never
   * changed. Throws UsageError unless `canOpen`.
   */
  request(headers: HeaderList, endStream: boolean, handler: StreamHandler, common?: HeaderList): Stream {
    if (!this.canOpen) throw new UsageError("no stream can be opened here (see canOpen)");
    const streams = this.#streams;
    const id = streams.nextLocalId;
    streams.highestId = id;
    const stream = new OpenStream(id, streams, this.#outbound);
    stream.isHeadRequest = isHeadRequest(headers);
    stream.local = endStream ? Half.CLOSED : Half.BODY;
    stream.attach(handler);
    streams.add(stream);
    this.#outbound.headers(id, headers, endStream, common);
    return stream;
  }

  /** Client role: neither GOAWAY, the peer's MAX_CONCURRENT_STREAMS, nor the end of the ids stands against a request. */
  get canOpen(): boolean {
    const state = this.#state;
    return (
      this.#role === "client" &&
      !state.isOver &&
      !state.goesAway &&
      !state.peerGoesAway &&
      !this.#streams.idsAreExhausted &&
      this.#streams.size < this.#outbound.peer.maxConcurrentStreams
    );
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Streams whose owner has given all that it had, and whose peer has not taken it yet. */
  get unsentEnds(): Stream[] {
    return this.#streams.all().filter(({ local }) => local === Half.ENDING);
  }

  get peer(): PeerSettings {
    return this.#outbound.peer;
  }

  /** The highest id of a stream that the peer opened and that was handed to the owner (RFC 9113 §6.8). */
  get lastPeerStreamId(): number {
    return this.#state.lastHandedId;
  }

  get lastReceivedAtMs(): number {
    return this.#state.lastReceivedAtMs;
  }

  /** Bytes that a full socket keeps waiting, without DATA that still has its credit. */
  get waitingBytes(): number {
    return this.#outbound.waitingBytes;
  }

  /** RST_STREAM frames that were sent so far. */
  get resetsSent(): number {
    return this.#outbound.resetsSent;
  }

  /** -1: no PING of ours waits for its answer. */
  get pingOutstandingSinceMs(): number {
    return this.#state.pingOutstandingSinceMs;
  }

  /** Sends a PING; does nothing while another one waits for its answer. */
  ping(nowMs: number): void {
    if (this.#state.isOver || this.#state.pingOutstandingSinceMs >= 0) return;
    this.#outbound.ping(this.#state.beginPing(nowMs));
  }

  /**
   * Sends SETTINGS that change nothing: `probeAnswered` follows when the peer has read them and all that went before
   * (RFC 9113 §6.5.3). Unlike a PING no server counts it as abuse, however often (docs/decisions/0008-probe.md).
   * `nowMs`: the time, which nobody may have told since the last tick.
   */
  probe(nowMs: number): void {
    if (this.#state.isOver) return;
    this.#state.nowMs = nowMs;
    this.#state.settingsOutstanding++;
    this.#outbound.settings([]);
  }

  /**
   * Announces that streams above `lastStreamId` are refused (RFC 9113 §6.8); the others go on. A drain in two steps is
   * the caller's: first 2^31-1, later the real one, which is the default.
   */
  goAway(code: ErrorCode = ErrorCode.NO_ERROR, lastStreamId: number = this.lastPeerStreamId, debug = ""): void {
    const state = this.#state;
    if (state.isOver) return;
    state.goesAway = true;
    state.acceptsUpToId = Math.min(state.acceptsUpToId, lastStreamId);
    this.#outbound.goAway(state.acceptsUpToId, code, debug);
  }

  /** Closes when the last stream has ended and its bytes were written. */
  closeWhenIdle(): void {
    this.#state.closesWhenIdle = true;
    if (this.#streams.size === 0) this.#outbound.askFlush();
  }

  /**
   * Ends the connection now: GOAWAY with the fault's code (NO_ERROR without one) if it can still be written, `reset` for
   * every stream, `closed`. Idempotent. All of it happens even if a handler throws; the first such error is thrown then.
   */
  destroy(fault?: ConnectionFault): void {
    if (this.#state.isOver) return;
    this.#state.isOver = true;
    const code = fault?.code ?? ErrorCode.NO_ERROR;
    this.#outbound.goAway(this.#state.lastHandedId, code, fault?.token ?? "");
    const wasWritten = this.#outbound.finish();
    this.#end(fault, fault?.token ?? "connection_destroyed", () => this.#transport.close(!wasWritten));
  }

  /** The socket has ended or failed: nothing can be written. A loss without streams and without error is a clean end. */
  transportClosed(error?: Error): void {
    if (this.#state.isOver) return;
    this.#state.isOver = true;
    this.#outbound.drop();
    const isClean = error === undefined && this.#streams.size === 0;
    const message = error === undefined ? "the peer closed the connection with streams open" : error.message;
    const fault = new ConnectionFault(ErrorCode.INTERNAL_ERROR, "connection_lost", "RFC 9113 §5.4.1", message);
    this.#end(isClean ? undefined : fault, "connection_lost");
  }

  #end(fault: ConnectionFault | undefined, token: string, afterwards: () => void = () => {}): void {
    const code = fault?.code ?? ErrorCode.INTERNAL_ERROR;
    const message = fault?.message ?? "the connection was ended";
    const streamFault = new StreamFault(code, token, fault?.source ?? "RFC 9113 §5.4.1", message);
    const errors: unknown[] = [];
    const attempt = (action: () => void): void => {
      try {
        action();
      } catch (error) {
        errors.push(error);
      }
    };
    // First, so that nobody opens a stream here for what the end of another one has set free.
    attempt(() => this.#events.closed(fault));
    for (const stream of this.#streams.all()) attempt(() => stream.aborted(code, false, streamFault));
    attempt(afterwards);
    if (errors.length > 0) throw errors[0];
  }

  #closeIfIdle(): void {
    const state = this.#state;
    if (!state.closesWhenIdle || state.isOver || this.#streams.size > 0 || !this.#outbound.isEmpty) return;
    state.isOver = true;
    this.#events.closed(undefined);
    this.#transport.close(false);
  }

  #streamRemoved(endedWell: boolean): void {
    if (endedWell) this.#budgets.streamEndedWell();
    if (this.#state.closesWhenIdle && this.#streams.size === 0) this.#outbound.askFlush();
  }

  /** Only of clients: an instance may be frozen between its calls. */
  #settingsTimeout(nowMs: number): ConnectionFault | undefined {
    if (this.#role === "client" || this.#state.settingsAcknowledged) return undefined;
    const { firstSettingsTimeoutMs, settingsAckTimeoutMs } = this.#options;
    const elapsedMs = nowMs - this.#startedAtMs;
    if (!this.peer.received && elapsedMs > firstSettingsTimeoutMs) {
      const text = `no SETTINGS within ${firstSettingsTimeoutMs} ms`;
      return new ConnectionFault(ErrorCode.SETTINGS_TIMEOUT, "first_settings_timeout", "RFC 9113 §3.4", text);
    }
    if (elapsedMs <= settingsAckTimeoutMs) return undefined;
    const text = `our SETTINGS were not acknowledged within ${settingsAckTimeoutMs} ms`;
    return new ConnectionFault(ErrorCode.SETTINGS_TIMEOUT, "settings_ack_timeout", "RFC 9113 §6.5.3", text);
  }
}

function isHeadRequest(headers: HeaderList): boolean {
  const at = headers.indexOf(":method");
  return at >= 0 && headers[at + 1] === "HEAD";
}
