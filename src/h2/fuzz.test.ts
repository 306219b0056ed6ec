import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PREFACE } from "./frames.ts";
import { ErrorCode, type Stream, UsageError } from "./h2.ts";
import { End, exchange } from "./testing/pair.ts";
import {
  data,
  frame,
  goAway,
  headers,
  PeerEncoder,
  REQUEST,
  RESPONSE,
  Recorder,
  reset,
  Script,
  settings,
  TRAILERS,
  windowUpdate,
} from "./testing/script.ts";

/** Asserts what holds after any input: an ended connection told so once, and every stream ended as often as it began. */
function assertSound(script: Script): void {
  script.connection.flush();
  const closed = script.end.log.filter((line) => line.startsWith("closed"));
  assert.equal(closed.length, script.end.transport.closed === "no" ? 0 : 1);
  for (const { recorder, stream } of script.requests) {
    const ends = recorder.log.filter((line) => line === "closed").length;
    assert.equal(ends, stream.localClosed && stream.remoteClosed ? 1 : 0);
    if (ends > 0) assert.equal(recorder.log.at(-1), "closed");
    if (closed.length > 0) assert.equal(ends, 1);
  }
  if (closed.length > 0) assert.equal(script.connection.openStreams, 0);
}

const STREAM_ID = fc.constantFrom(0, 1, 3, 5, 7, 2);

/** Frames that are nearly right. */
const FRAME = fc.oneof(
  fc.tuple(STREAM_ID, fc.boolean()).map(([id, end]) => headers(id, REQUEST, end)),
  fc.tuple(STREAM_ID, fc.boolean()).map(([id, end]) => headers(id, TRAILERS, end)),
  fc.tuple(STREAM_ID, fc.nat(20_000), fc.boolean()).map(([id, size, end]) => data(id, Math.min(size, 16_384), end)),
  fc.tuple(STREAM_ID, fc.nat(13)).map(([id, code]) => reset(id, code)),
  fc.tuple(STREAM_ID, fc.nat(2 ** 31 - 1)).map(([id, increment]) => windowUpdate(id, increment)),
  fc.tuple(fc.nat(9), fc.nat(100_000)).map(([id, value]) => settings([id, value])),
  fc.nat(9).map((id) => goAway(id, 0)),
  fc
    .tuple(fc.nat(12), fc.nat(255), STREAM_ID, fc.uint8Array({ maxLength: 40 }))
    .map(([type, flags, id, payload]) => frame(type, flags, id, Buffer.from(payload))),
);

/** What a handler may do at any time. */
const ACTION = fc.tuple(
  fc.constantFrom("headers", "data", "trailers", "reset", "reset NO_ERROR", "consumed"),
  fc.nat(40_000),
  fc.boolean(),
);

function act(stream: Stream, action: string, size: number, end: boolean): void {
  try {
    if (action === "headers") stream.headers(RESPONSE, end);
    else if (action === "data") stream.data(Buffer.alloc(size), end);
    else if (action === "trailers") stream.trailers(TRAILERS);
    else if (action === "consumed") stream.consumed(size);
    else stream.reset(action === "reset" ? ErrorCode.CANCEL : ErrorCode.NO_ERROR);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

describe("a connection, given anything", () => {
  it("stands random bytes, in any chunks", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (greets, chunks) => {
        const script = new Script("server", {}, greets);
        for (const chunk of chunks) script.connection.receive(Buffer.from(chunk));
        assertSound(script);
      }),
      { numRuns: 500 },
    );
  });

  it("stands nearly right frames in any order, while its handlers do anything, and the socket fills up", () => {
    const step = fc.record({
      frames: fc.array(FRAME, { maxLength: 4 }),
      actions: fc.array(ACTION, { maxLength: 3 }),
      full: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const script = new Script("server", { concurrentStreamsMax: 3 });
        for (const { frames, actions, full } of steps) {
          script.end.transport.takesMore = !full;
          script.send(...frames);
          actions.forEach(([action, size, end], at) => {
            const request = script.requests[at];
            if (request !== undefined) act(request.stream, action, size, end);
          });
          script.read();
          if (!full) script.connection.drained();
          assertSound(script);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("stands conversations of a real client in which bytes were changed, cut out or repeated", () => {
    const encoder = new PeerEncoder();
    const valid = Buffer.concat([
      PREFACE,
      settings([4, 100_000], [3, 100]),
      encoder.headers(1, REQUEST, false),
      data(1, "hello", true),
      encoder.headers(3, [...REQUEST, "x-a", "b"], false),
      windowUpdate(0, 1000),
      data(3, 3_000),
      encoder.headers(3, TRAILERS, true),
      encoder.headers(5, [...REQUEST, "x-a", "b"], true),
      reset(5, 8),
    ]);
    const change = fc.tuple(fc.nat(valid.length - 1), fc.constantFrom("set", "cut", "repeat"), fc.nat(255), fc.nat(30));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.integer({ min: 1, max: 500 }), (changes, chunkBytes) => {
        let bytes: Buffer = Buffer.from(valid);
        for (const [at, kind, value, length] of changes) {
          if (kind === "set") bytes[at % bytes.length] = value;
          else if (kind === "cut") bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
          else bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        }
        const script = new Script("server", {}, false);
        for (let at = 0; at < bytes.length; at += chunkBytes) script.send(bytes.subarray(at, at + chunkBytes));
        assertSound(script);
        if (changes.length === 0) assert.equal(script.requests.length, 3);
      }),
      { numRuns: 1_000 },
    );
  });

  it("holds no more of a stalled stream than its window, and stands one byte at a time", () => {
    const script = new Script("server", { crumbsBurst: 1_000_000 }).send(settings([4, 0]), headers(1, REQUEST, false));
    const { stream, recorder } = script.requests[0]!;
    recorder.consumes = false;
    stream.headers(RESPONSE, false);
    recorder.data = (chunk) => stream.data(chunk, false);
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    for (let count = 0; count < 256 * 1024; count++) script.connection.receive(data(1, 1));
    const grownBytes = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
    script.send(data(1, 1));
    assert.equal(script.end.log.at(-1), "stream fault stream_window");
    assert.ok(grownBytes < 64 * 1024 * 1024, `${grownBytes} bytes`);
  });
});

describe("two connections of ours", () => {
  it("carry any bodies both ways, whole and in order, with any windows and frame sizes", () => {
    const options = fc.record({
      streamWindowBytes: fc.integer({ min: 65_535, max: 200_000 }),
      connectionWindowBytes: fc.integer({ min: 65_535, max: 200_000 }),
      frameSizeMaxBytes: fc.integer({ min: 16_384, max: 40_000 }),
      copyBelowBytes: fc.nat(5_000),
      writeBufferMaxBytes: fc.integer({ min: 16_384, max: 100_000 }),
    });
    const bodies = fc.array(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(options, options, bodies, (serverOptions, clientOptions, calls) => {
        const server = new End("server", serverOptions, (stream) => new EchoBack(stream));
        const client = new End("client", clientOptions);
        exchange(client, server);
        const answers = calls.map((sizes, call) => {
          const collector = new Collector();
          const stream = client.connection.request(REQUEST, false, collector);
          collector.stream = stream;
          const parts = sizes.map((size, at) => Buffer.alloc(size, call * 16 + at));
          for (const part of parts) stream.data(part, false);
          stream.trailers(TRAILERS);
          return { collector, sent: Buffer.concat(parts) };
        });
        exchange(client, server);
        for (const { collector, sent } of answers) {
          assert.ok(Buffer.concat(collector.chunks).equals(sent));
          assert.equal(collector.sentBytes, sent.length);
          assert.deepEqual(collector.log.slice(-2), ["trailers grpc-status 0", "closed"]);
        }
        assert.equal(server.connection.openStreams + client.connection.openStreams, 0);
      }),
      { numRuns: 200 },
    );
  });
});

class Collector extends Recorder {
  readonly chunks: Buffer[] = [];
  override data(chunk: Buffer, endStream: boolean): void {
    this.chunks.push(chunk);
    super.data(chunk, endStream);
  }
}

class EchoBack extends Recorder {
  constructor(stream: Stream) {
    super();
    this.stream = stream;
    stream.headers(RESPONSE, false);
  }
  override data(chunk: Buffer): void {
    this.stream?.data(chunk, false);
  }
  override sent(bytes: number): void {
    this.stream?.consumed(bytes);
  }
  override trailers(list: string[]): void {
    this.stream?.trailers(list);
  }
}
