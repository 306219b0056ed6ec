/**
 * Valid conversations for fuzz tests: what a peer that keeps every rule may send, made of steps that fast-check draws.
 * The writer of each role knows which frames may come next, and notes what our side has to make of them.
 */
import fc from "fast-check";
import { Flag, FRAME_HEADER_BYTES, FrameType } from "../frames.ts";
import type { HeaderList, Role } from "../h2.ts";
import { HpackEncoder } from "../hpack/encoder.ts";
import { data, frame, goAway, REQUEST, RESPONSE, reset, settings, TRAILERS, windowUpdate } from "./script.ts";

/** Calls that our side opens before the peer speaks (client role), with ids 1, 3, ... */
export const CALLS = 4;

/** Nobody gives credit back: a stream's content stays below the first window, all content below the connection's. */
const STREAM_BYTES_MAX = 65_535;
const CONNECTION_BYTES_MAX = 400_000;

export interface Step {
  readonly kind:
    | "head"
    | "data"
    | "trailers"
    | "reset"
    | "window"
    | "ping"
    | "settings"
    | "priority"
    | "unknown"
    | "goaway";
  /** Chooses a stream, a size, a code. */
  readonly number: number;
  readonly endStream: boolean;
  readonly padding: number;
  /** CONTINUATION frames of a header block. */
  readonly splits: number;
  readonly fields: HeaderList;
}

const FIELD = fc.tuple(
  fc.constantFrom("x-a", "x-b", "grpc-timeout", "authorization", "x-request-id", "user-agent"),
  fc.oneof(
    fc.constantFrom("", "v", "x".repeat(100)),
    fc.string({ unit: fc.constantFrom("a", "~", "\xff"), maxLength: 60 }),
  ),
);

export const STEP: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("head" as const, "data" as const, "trailers" as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "reset" as const,
        "window" as const,
        "ping" as const,
        "settings" as const,
        "priority" as const,
        "unknown" as const,
        "goaway" as const,
      ),
    },
  ),
  number: fc.nat(100_000),
  endStream: fc.boolean(),
  padding: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }) },
  ),
  splits: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) }),
  fields: fc.array(FIELD, { maxLength: 4 }).map((fields) => fields.flat()),
});

/** What our side has to have seen of a stream in the end. */
export interface Expected {
  bytes: number;
  end: "none" | "END_STREAM" | "reset";
}

export interface Conversation {
  readonly frames: readonly Buffer[];
  readonly streams: ReadonlyMap<number, Expected>;
}

interface Sending extends Expected {
  headSent: boolean;
  /** Content and padding: what counts against the stream's window. */
  sentBytes: number;
}

/** The frames of a peer of a connection of ours in `role`. */
export function conversation(role: Role, steps: readonly Step[]): Conversation {
  const writer = new Writer(role);
  for (const step of steps) writer.take(step);
  return { frames: writer.frames, streams: writer.streams };
}

class Writer {
  readonly frames: Buffer[] = [];
  readonly streams = new Map<number, Sending>();
  readonly #peerIsClient: boolean;
  readonly #encoder = new HpackEncoder(4096);
  #contentBytes = 0;
  #wentAway = false;

  constructor(role: Role) {
    this.#peerIsClient = role === "server";
    if (this.#peerIsClient) return;
    for (let call = 0; call < CALLS; call++)
      this.streams.set(2 * call + 1, { headSent: false, sentBytes: 0, bytes: 0, end: "none" });
  }

  take(step: Step): void {
    const { kind, number, padding } = step;
    const open = [...this.streams].filter(([, { end }]) => end === "none");
    const [id, stream] = open[number % Math.max(1, open.length)] ?? [0, undefined];
    switch (kind) {
      case "head":
        if (this.#peerIsClient) this.#request(step);
        else if (stream !== undefined && !stream.headSent) this.#response(id, stream, step);
        break;
      case "data":
        if (stream?.headSent) this.#data(id, stream, number % 20_000, padding, step.endStream);
        break;
      case "trailers":
        if (!stream?.headSent) break;
        stream.end = "END_STREAM";
        this.#headers(id, TRAILERS, true, step);
        break;
      case "reset":
        if (stream === undefined) break;
        stream.end = "reset";
        this.frames.push(reset(id, number % 14));
        break;
      case "window":
        this.frames.push(windowUpdate(0, number + 1));
        if (stream !== undefined) this.frames.push(windowUpdate(id, number + 1));
        break;
      case "ping":
        this.frames.push(frame(FrameType.PING, number % 2, 0, Buffer.alloc(8, number)));
        break;
      case "settings":
        this.frames.push(settings([1, number % 8_192], [5, 16_384 + number], [0x99, number]));
        break;
      case "priority":
        this.frames.push(frame(FrameType.PRIORITY, 0, 2 * (number % 50) + 1, Buffer.from([0, 0, 0, 0, 16])));
        break;
      case "unknown":
        this.frames.push(frame(0x20 + (number % 200), number % 256, id, Buffer.alloc(number % 300)));
        break;
      case "goaway":
        // Behind it nothing new begins; the streams that our side opened stay below its last id.
        this.#wentAway = true;
        this.frames.push(goAway(2 ** 31 - 1, 0, "bye"));
    }
  }

  #request(step: Step): void {
    if (this.#wentAway) return;
    const id = this.streams.size * 2 + 1;
    this.streams.set(id, { headSent: true, sentBytes: 0, bytes: 0, end: step.endStream ? "END_STREAM" : "none" });
    this.#headers(id, [...REQUEST, ...step.fields], step.endStream, step);
  }

  #response(id: number, stream: Sending, step: Step): void {
    if (step.number % 3 === 0) this.#headers(id, [":status", "103", ...step.fields], false, step);
    stream.headSent = true;
    if (step.endStream) stream.end = "END_STREAM";
    this.#headers(id, [...RESPONSE, ...step.fields], step.endStream, step);
  }

  #data(id: number, stream: Sending, wantedBytes: number, padding: number, endStream: boolean): void {
    const overhead = padding > 0 ? padding + 1 : 0;
    const left = Math.min(STREAM_BYTES_MAX - stream.sentBytes, CONNECTION_BYTES_MAX - this.#contentBytes) - overhead;
    const bytes = Math.min(wantedBytes, 16_384 - overhead, left);
    if (bytes < 0) return;
    this.#contentBytes += bytes + overhead;
    stream.sentBytes += bytes + overhead;
    stream.bytes += bytes;
    if (endStream) stream.end = "END_STREAM";
    if (padding === 0) this.frames.push(data(id, bytes, endStream));
    else {
      const payload = Buffer.concat([Buffer.from([padding]), Buffer.alloc(bytes, 0x64), Buffer.alloc(padding)]);
      this.frames.push(frame(FrameType.DATA, Flag.PADDED | (endStream ? Flag.END_STREAM : 0), id, payload));
    }
  }

  #headers(id: number, list: HeaderList, endStream: boolean, { padding, splits }: Step): void {
    const out = Buffer.alloc(HpackEncoder.boundBytes(list));
    const block = out.subarray(0, this.#encoder.encode(list, out, 0));
    const partBytes = Math.ceil(block.length / (splits + 1));
    for (let at = 0; at < block.length; at += partBytes) {
      const part = block.subarray(at, at + partBytes);
      const isFirst = at === 0;
      const endHeaders = at + partBytes >= block.length ? Flag.END_HEADERS : 0;
      const flags = endHeaders | (isFirst && endStream ? Flag.END_STREAM : 0);
      if (!isFirst) this.frames.push(frame(FrameType.CONTINUATION, flags, id, part));
      else if (padding === 0) this.frames.push(frame(FrameType.HEADERS, flags, id, part));
      else {
        const payload = Buffer.concat([Buffer.from([padding]), part, Buffer.alloc(padding)]);
        this.frames.push(frame(FrameType.HEADERS, flags | Flag.PADDED, id, payload));
      }
    }
  }
}

/** A change of a conversation that breaks it, or may. */
export interface Mutation {
  readonly kind: "drop" | "repeat" | "swap" | "type" | "flags" | "stream" | "length" | "byte" | "noise" | "cut";
  readonly at: number;
  readonly number: number;
}

export const MUTATION: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("drop", "repeat", "swap", "type", "flags", "stream", "length", "byte", "noise", "cut"),
  at: fc.nat(1_000),
  number: fc.nat(2 ** 31 - 1),
});

export function mutate(frames: readonly Buffer[], mutations: readonly Mutation[]): Buffer[] {
  const changed: Buffer[] = frames.map((bytes) => Buffer.from(bytes));
  for (const { kind, at: anywhere, number } of mutations) {
    if (changed.length === 0) break;
    const at = anywhere % changed.length;
    const target = changed[at]!;
    const other = number % changed.length;
    // What an earlier change cut has no header to change.
    if (target.length < FRAME_HEADER_BYTES && kind !== "drop" && kind !== "noise") continue;
    if (kind === "drop") changed.splice(at, 1);
    else if (kind === "repeat") changed.splice(other, 0, Buffer.from(target));
    else if (kind === "swap") [changed[at], changed[other]] = [changed[other]!, target];
    else if (kind === "type") target[3] = number % 12;
    else if (kind === "flags") target[4] = number % 256;
    else if (kind === "stream") target.writeUInt32BE(number % 4 === 0 ? number : number % 16, 5);
    else if (kind === "length") target.writeUIntBE(number % 3 === 0 ? number % 2 ** 24 : number % 64, 0, 3);
    else if (kind === "byte") target[number % target.length] = number >>> 16;
    else if (kind === "noise")
      changed.splice(at, 0, Buffer.from(Array.from({ length: number % 64 }, (_, i) => (number >>> (i % 24)) % 256)));
    else changed[at] = target.subarray(0, number % target.length);
  }
  return changed;
}

/** Cuts bytes into chunks of these sizes, over and over. */
export function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + sizes[turn % sizes.length]!;
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

export const CHUNK_SIZES = fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 20_000 })), {
  minLength: 1,
  maxLength: 8,
});
