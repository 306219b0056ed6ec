/**
 * Frame scripts: a peer made of raw frames. It sends whatever a test wants, right or wrong, and cuts what it receives
 * into frames, with decoders of its own so that header blocks can be read.
 */
import { Flag, FRAME_HEADER_BYTES, FrameType, PREFACE, readUint31, readUint32 } from "../frames.ts";
import type { ConnectionOptions, HeaderList, Role, Stream, StreamHandler } from "../h2.ts";
import { HpackDecoder } from "../hpack/decoder.ts";
import { HpackEncoder } from "../hpack/encoder.ts";
import { End } from "./pair.ts";

export { FRAME_HEADER_BYTES, FrameType, PREFACE };

/** A frame as a test reads it. `headers`: of HEADERS; `code`: of RST_STREAM and GOAWAY; `increment`: of WINDOW_UPDATE. */
export interface ReadFrame {
  readonly type: keyof typeof FrameType;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  readonly headers?: HeaderList;
  readonly code?: number;
  readonly increment?: number;
}

export function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => {
    bytes.writeUInt32BE(value, at * 4);
  });
  return bytes;
}

/** Pairs of id and value. */
export function settings(...entries: [id: number, value: number][]): Buffer {
  const payload = entries.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 0xff]), uint32(value)]));
  return frame(FrameType.SETTINGS, 0, 0, Buffer.concat(payload));
}

/** A header block in which every field is a literal without indexing, whatever its characters. */
export function plainBlock(headers: HeaderList): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    parts.push(Buffer.from([0]), plainString(headers[at]!), plainString(headers[at + 1]!));
  }
  return Buffer.concat(parts);
}

function plainString(text: string): Buffer {
  const length = [Math.min(text.length, 127)];
  if (text.length >= 127) {
    let rest = text.length - 127;
    for (; rest >= 128; rest >>= 7) length.push(128 | (rest & 127));
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), Buffer.from(text, "latin1")]);
}

export function headers(streamId: number, list: HeaderList, endStream: boolean): Buffer {
  const flags = Flag.END_HEADERS | (endStream ? Flag.END_STREAM : 0);
  return frame(FrameType.HEADERS, flags, streamId, plainBlock(list));
}

export function data(streamId: number, payload: Buffer | string | number, endStream = false): Buffer {
  const bytes = typeof payload === "number" ? Buffer.alloc(payload, 0x64) : Buffer.from(payload);
  return frame(FrameType.DATA, endStream ? Flag.END_STREAM : 0, streamId, bytes);
}

export function reset(streamId: number, code: number): Buffer {
  return frame(FrameType.RST_STREAM, 0, streamId, uint32(code));
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FrameType.WINDOW_UPDATE, 0, streamId, uint32(increment));
}

export function goAway(lastStreamId: number, code: number, debug = ""): Buffer {
  return frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(lastStreamId, code), Buffer.from(debug)]));
}

export const SETTINGS_ACK = frame(FrameType.SETTINGS, Flag.ACK, 0);

/** A well-formed request head. */
export const REQUEST: HeaderList = [":method", "POST", ":scheme", "https", ":path", "/a/b", ":authority", "example"];
export const RESPONSE: HeaderList = [":status", "200", "content-type", "application/grpc"];
export const TRAILERS: HeaderList = ["grpc-status", "0"];

/** Notes in words what happens on a stream. */
export class Recorder implements StreamHandler {
  readonly log: string[] = [];
  stream: Stream | undefined;
  receivedBytes = 0;
  sentBytes = 0;
  /** Gives credit back at once. */
  consumes = true;

  headers(list: HeaderList, endStream: boolean): void {
    this.log.push(`headers ${list.join(" ")}${endStream ? " end" : ""}`);
  }
  data(chunk: Buffer, endStream: boolean): void {
    this.receivedBytes += chunk.length;
    this.log.push(`data ${chunk.length}${endStream ? " end" : ""}`);
    if (this.consumes) this.stream?.consumed(chunk.length);
  }
  trailers(list: HeaderList): void {
    this.log.push(`trailers ${list.join(" ")}`);
  }
  reset(code: number, unprocessed: boolean, fault: { token: string } | undefined): void {
    this.log.push(`reset ${code}${unprocessed ? " unprocessed" : ""}${fault === undefined ? "" : ` ${fault.token}`}`);
  }
  sent(bytes: number): void {
    this.sentBytes += bytes;
  }
  closed(): void {
    this.log.push("closed");
  }
}

/** Cuts bytes into frames, with a decoder of its own so that header blocks can be read. */
export class FrameReader {
  readonly #hpack = new HpackDecoder();
  #unread = Buffer.alloc(0);

  /** Keeps bytes for the next `push`. */
  unread(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
  }

  /** The frames that are whole now. */
  push(chunk: Buffer): ReadFrame[] {
    const bytes = Buffer.concat([this.#unread, chunk]);
    const frames: ReadFrame[] = [];
    let at = 0;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const next = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (next > bytes.length) break;
      frames.push(this.#readFrame(bytes.subarray(at, next)));
      at = next;
    }
    this.#unread = bytes.subarray(at);
    return frames;
  }

  #readFrame(bytes: Buffer): ReadFrame {
    const types = Object.keys(FrameType) as (keyof typeof FrameType)[];
    const type = types[bytes[3]!]!;
    const payload = bytes.subarray(FRAME_HEADER_BYTES);
    const read = { type, flags: bytes[4]!, streamId: readUint31(bytes, 5), payload };
    if (type === "RST_STREAM") return { ...read, code: readUint32(payload, 0) };
    if (type === "GOAWAY") return { ...read, code: readUint32(payload, 4) };
    if (type === "WINDOW_UPDATE") return { ...read, increment: readUint31(payload, 0) };
    if (type !== "HEADERS" || (read.flags & Flag.END_HEADERS) === 0) return read;
    const list: HeaderList = [];
    this.#hpack.decode(payload, 0, payload.length, { field: (name, value) => list.push(name, value) });
    return { ...read, headers: list };
  }
}

/** A frame in short words, as tests compare them: `RST_STREAM 1 code 8`. */
export function wordsOf({ type, flags, streamId, payload, headers: list, code, increment }: ReadFrame): string {
  const ends = (type === "DATA" || type === "HEADERS") && (flags & Flag.END_STREAM) !== 0 ? " end" : "";
  const ack = (type === "SETTINGS" || type === "PING") && (flags & Flag.ACK) !== 0 ? " ack" : "";
  const detail =
    list?.join(" ") ??
    (code !== undefined ? `code ${code}` : undefined) ??
    (increment !== undefined ? `+${increment}` : undefined) ??
    (type === "DATA" ? String(payload.length) : "");
  return `${type} ${streamId} ${detail}`.trimEnd() + ends + ack;
}

/** One of our connections, and the raw peer that it talks to. */
export class Script {
  readonly end: End;
  /** Server role: the streams that requests opened, each with its recorder and head. */
  readonly requests: { stream: Stream; head: HeaderList; recorder: Recorder; oversized: boolean }[] = [];
  readonly #reader = new FrameReader();

  /** `role`: of our side. The greeting of both sides is over unless `greets` is false. */
  constructor(role: Role, options: Partial<ConnectionOptions> = {}, greets = true) {
    this.end = new End(
      role,
      options,
      (stream, head) => this.#opened(stream, head, false),
      (stream, head) => this.#opened(stream, head, true),
    );
    if (role === "client") this.#skipPreface();
    if (!greets) return;
    this.send(...(role === "server" ? [PREFACE] : []), settings(), SETTINGS_ACK);
    this.read();
    this.end.log.length = 0;
  }

  get connection(): End["connection"] {
    return this.end.connection;
  }

  /** Client role: opens a stream with a recorder. */
  open(head: HeaderList = REQUEST, endStream = false): Recorder {
    const recorder = new Recorder();
    recorder.stream = this.connection.request(head, endStream, recorder);
    return recorder;
  }

  /** Sends all frames as one chunk. */
  send(...frames: Buffer[]): this {
    this.connection.receive(Buffer.concat(frames));
    return this;
  }

  /** The frames that our side has written since the last call. */
  read(): ReadFrame[] {
    return this.#reader.push(Buffer.concat(this.end.flush()));
  }

  /** The frames in short words, as tests compare them: `RST_STREAM 1 code 8`. */
  readWords(): string[] {
    return this.read().map(wordsOf);
  }

  #opened(stream: Stream, head: HeaderList, oversized: boolean): Recorder {
    const recorder = new Recorder();
    recorder.stream = stream;
    this.requests.push({ stream, head, recorder, oversized });
    return recorder;
  }

  #skipPreface(): void {
    const bytes = Buffer.concat(this.end.flush());
    if (!bytes.subarray(0, PREFACE.length).equals(PREFACE))
      throw new Error("the client did not begin with the preface");
    this.#reader.unread(bytes.subarray(PREFACE.length));
  }
}

/** Header blocks as a real peer would encode them, with a table. */
export class PeerEncoder {
  readonly #encoder = new HpackEncoder(4096);

  headers(streamId: number, list: HeaderList, endStream: boolean): Buffer {
    const block = Buffer.alloc(HpackEncoder.boundBytes(list));
    const end = this.#encoder.encode(list, block, 0);
    const flags = Flag.END_HEADERS | (endStream ? Flag.END_STREAM : 0);
    return frame(FrameType.HEADERS, flags, streamId, block.subarray(0, end));
  }
}
