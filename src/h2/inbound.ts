/**
 * The receiving side of a connection: takes each frame, checks that it may come now, and does what the frames that
 * are not part of a message say (RFC 9113 §6). Methods throw ConnectionFault where the connection cannot go on.
 */
import type { Budgets } from "./budgets.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { ConnectionEvents, Role } from "./contract.ts";
import { type ConnectionFault, ErrorCode } from "./errors.ts";
import { broken, tooMuch, windowOverflow, wrongSize } from "./faults.ts";
import { WINDOW_MAX_BYTES } from "./flow-window.ts";
import type { FrameSink } from "./frame-decoder.ts";
import { Flag, FrameType, readUint31, readUint32 } from "./frames.ts";
import { checkDependency, type InboundParts, MessageReceiver } from "./message-receiver.ts";
import type { ConnectionOptions } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import { type ReceivedSettings, SETTING_BYTES } from "./settings.ts";
import { Half } from "./stream-state.ts";
import type { StreamTable } from "./stream-table.ts";

export class Inbound implements FrameSink {
  readonly #role: Role;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  readonly #peer: ReceivedSettings;
  readonly #budgets: Budgets;
  readonly #state: ConnectionState;
  readonly #messages: MessageReceiver;

  constructor(parts: InboundParts) {
    this.#role = parts.role;
    this.#options = parts.options;
    this.#events = parts.events;
    this.#streams = parts.streams;
    this.#outbound = parts.outbound;
    this.#peer = parts.outbound.peer;
    this.#budgets = parts.budgets;
    this.#state = parts.state;
    this.#messages = new MessageReceiver(parts);
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  /** The fault of what has been under way for too long. */
  overdue(nowMs: number): ConnectionFault | undefined {
    return this.#messages.overdue(nowMs);
  }

  dataFrame(streamId: number, frameBytes: number, dataBytes: number, endStream: boolean): void {
    this.#checkOrder(FrameType.DATA, streamId);
    this.#messages.dataFrame(streamId, frameBytes, dataBytes, endStream);
  }

  dataPart(part: Buffer, isLast: boolean): void {
    this.#messages.dataPart(part, isLast);
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#checkOrder(type, streamId);
    switch (type) {
      case FrameType.HEADERS:
        this.#messages.headers(flags, streamId, bytes, start, end);
        break;
      case FrameType.PRIORITY:
        this.#priority(streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.#resetStream(streamId, bytes, start, end);
        break;
      case FrameType.SETTINGS:
        this.#settings(flags, streamId, bytes, start, end);
        break;
      case FrameType.PUSH_PROMISE:
        throw broken("push_promise", "§8.4", "push is not enabled");
      case FrameType.PING:
        this.#ping(flags, streamId, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        this.#goAway(streamId, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#windowUpdate(streamId, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.#messages.continuation(flags, bytes, start, end);
        break;
      default:
        // RFC 9113 §5.5: unknown types are dropped.
        this.#budgets.ignored.spend();
    }
  }

  /** RFC 9113 §3.4: SETTINGS come first. §6.10: nothing comes between the frames of a header block. */
  #checkOrder(type: number, streamId: number): void {
    if (!this.#peer.received && type !== FrameType.SETTINGS) {
      throw broken("settings_first", "§3.4", "the first frame is not SETTINGS");
    }
    const open = this.#messages.blockStreamId;
    if (open !== 0 && (type !== FrameType.CONTINUATION || streamId !== open)) {
      throw broken("continuation_expected", "§6.10", "another frame within a header block");
    }
    if (open === 0 && type === FrameType.CONTINUATION) {
      throw broken("continuation_unexpected", "§6.10", "CONTINUATION without a header block");
    }
  }

  /** RFC 9113 §6.3: of no effect, but checked; faults are raised to the connection (CVE-2025-8671). */
  #priority(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) throw broken("priority_stream_0", "§6.3", "PRIORITY on stream 0");
    if (end - start !== 5) throw wrongSize("PRIORITY");
    checkDependency(streamId, bytes, start);
    this.#budgets.ignored.spend();
  }

  /** RFC 9113 §6.4. */
  #resetStream(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0) throw broken("reset_stream_0", "§6.4", "RST_STREAM on stream 0");
    if (end - start !== 4) throw wrongSize("RST_STREAM");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#checkNotIdle(streamId, "RST_STREAM");
      this.#streams.forgetLate(streamId);
      this.#budgets.ignored.spend();
      return;
    }
    // A server cannot reset more streams than we open: only clients can make a loop of it (CVE-2023-44487).
    if (this.#role === "server" && stream.isPremature) this.#budgets.resets.spend();
    const code = readUint32(bytes, start) as ErrorCode;
    stream.remote = Half.CLOSED;
    stream.aborted(code, code === ErrorCode.REFUSED_STREAM, undefined);
  }

  /** RFC 9113 §6.5. */
  #settings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw broken("settings_stream", "§6.5", "SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      if (start !== end) throw wrongSize("SETTINGS");
      if (!this.#peer.received) throw broken("settings_first", "§3.4", "the first frame is not SETTINGS");
      // An answer that was asked for is no abuse.
      if (this.#state.settingsOutstanding === 0) this.#budgets.ignored.spend();
      else this.#state.settingsOutstanding--;
      this.#messages.settingsAcknowledged();
      if (this.#state.settingsOutstanding === 0) this.#events.probeAnswered?.();
      return;
    }
    if ((end - start) % SETTING_BYTES !== 0) throw wrongSize("SETTINGS");
    if (end - start > this.#options.settingsEntriesMax * SETTING_BYTES) {
      throw tooMuch("settings_entries", "too many entries in a SETTINGS frame");
    }
    this.#budgets.settings.spend();
    this.#applySettings(bytes, start, end);
    this.#outbound.settingsAck();
    this.#events.settings();
  }

  #applySettings(bytes: Buffer, start: number, end: number): void {
    const peer = this.#peer;
    const windowBefore = peer.initialWindowSizeBytes;
    for (let at = start; at < end; at += SETTING_BYTES) {
      peer.apply((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2));
    }
    peer.received = true;
    this.#outbound.offerTable(peer.headerTableSizeBytes);
    const more = peer.initialWindowSizeBytes - windowBefore;
    if (more === 0) return;
    for (const stream of this.#streams.all()) {
      stream.sendWindowBytes += more;
      if (stream.sendWindowBytes > WINDOW_MAX_BYTES) throw windowOverflow("§6.9.2");
      if (more > 0) this.#outbound.windowGrew(stream);
    }
  }

  /** RFC 9113 §6.7. */
  #ping(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw broken("ping_stream", "§6.7", "PING on a stream");
    if (end - start !== 8) throw wrongSize("PING");
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ACK) !== 0) {
      this.#budgets.ignored.spend();
      this.#state.pingAcknowledged(payload);
    } else {
      this.#budgets.pings.spend();
      this.#outbound.pingAck(payload);
    }
  }

  /** RFC 9113 §6.8. */
  #goAway(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw broken("goaway_stream", "§6.8", "GOAWAY on a stream");
    if (end - start < 8) throw wrongSize("GOAWAY");
    this.#budgets.settings.spend();
    const code = readUint32(bytes, start + 4) as ErrorCode;
    const lastStreamId = Math.min(readUint31(bytes, start), this.#state.peerAcceptsUpToId);
    this.#state.peerAcceptsUpToId = lastStreamId;
    this.#state.peerGoesAway = true;
    this.#events.goAway(lastStreamId, code, bytes.toString("utf8", start + 8, end));
    if (this.#role === "server") return;
    for (const stream of this.#streams.all()) {
      if (stream.id <= lastStreamId) continue;
      stream.remote = Half.CLOSED;
      stream.aborted(ErrorCode.REFUSED_STREAM, true, undefined);
    }
  }

  /** RFC 9113 §6.9; faults on a stream are raised to the connection (CVE-2025-8671). */
  #windowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw wrongSize("WINDOW_UPDATE");
    this.#budgets.windowUpdates.spend();
    const increment = readUint31(bytes, start);
    const outbound = this.#outbound;
    const stream = streamId === 0 ? undefined : this.#streams.get(streamId);
    if (streamId !== 0 && stream === undefined) this.#checkNotIdle(streamId, "WINDOW_UPDATE");
    if (increment === 0) throw broken("window_update_0", "§6.9", "WINDOW_UPDATE of 0");
    if (streamId === 0) {
      outbound.windowBytes += increment;
      if (outbound.windowBytes > WINDOW_MAX_BYTES) throw windowOverflow("§6.9.1");
      outbound.connectionWindowGrew();
    } else if (stream !== undefined) {
      stream.sendWindowBytes += increment;
      if (stream.sendWindowBytes > WINDOW_MAX_BYTES) {
        // The RFC asks for RST_STREAM here; a peer that provokes those is attacking, so GOAWAY follows.
        outbound.reset(streamId, ErrorCode.FLOW_CONTROL_ERROR);
        throw windowOverflow("§6.9.1");
      }
      outbound.windowGrew(stream);
    }
  }

  #checkNotIdle(streamId: number, frame: string): void {
    const kind = this.#streams.closedKind(streamId);
    if (kind === "idle" || kind === "skipped")
      throw broken("frame_on_idle_stream", "§5.1", `${frame} on an idle stream`);
  }
}
