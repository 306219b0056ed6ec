import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ErrorCode, type MemoryBudget, type Stream } from "./h2.ts";
import {
  data,
  headers,
  REQUEST,
  RESPONSE,
  type Recorder,
  reset,
  Script,
  SETTINGS_ACK,
  settings,
  TRAILERS,
  windowUpdate,
} from "./testing/script.ts";

const INITIAL_WINDOW_SIZE = 4;
const KIB = 1024;

/** Opens requests 1, 3, 5, ... whose response heads are written. */
function answered(script: Script, count: number): { stream: Stream; recorder: Recorder }[] {
  for (let at = 0; at < count; at++) script.send(headers(at * 2 + 1, REQUEST, true));
  for (const { stream } of script.requests) stream.headers(RESPONSE, false);
  script.read();
  return script.requests;
}

function answeredOne(script: Script): { stream: Stream; recorder: Recorder } {
  const [only] = answered(script, 1);
  assert.ok(only !== undefined);
  return only;
}

/** Sum of the credit given for a stream, 0 for the connection, in what the connection writes now. */
function credit(script: Script, streamId: number): number {
  return script.read().reduce((sum, read) => sum + (read.streamId === streamId ? (read.increment ?? 0) : 0), 0);
}

/** Has the peer acknowledge our SETTINGS `afterMs` after they were sent: that is the connection's round trip. */
function acknowledgeAfter(script: Script, afterMs: number): Script {
  script.end.transport.timeMs += afterMs;
  return script.send(SETTINGS_ACK);
}

describe("sending DATA", () => {
  it("stops at the stream's window, goes on at WINDOW_UPDATE, and trailers wait for it", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 10]));
    const { stream, recorder } = answeredOne(script);
    stream.data(Buffer.alloc(14), false);
    stream.data(Buffer.alloc(3), false);
    stream.trailers(TRAILERS);
    assert.deepEqual(script.readWords(), ["DATA 1 10"]);
    assert.equal(recorder.sentBytes, 10);
    assert.equal(stream.localClosed, false);
    script.send(windowUpdate(1, 5));
    assert.deepEqual(script.readWords(), ["DATA 1 5"]);
    script.send(windowUpdate(1, 5));
    assert.deepEqual(script.readWords(), ["DATA 1 2", "HEADERS 1 grpc-status 0 end"]);
    assert.equal(recorder.sentBytes, 17);
    assert.deepEqual(recorder.log, ["closed"]);
  });

  it("puts END_STREAM on the last DATA, also where it is empty", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 10]));
    const [first, second] = answered(script, 2);
    first?.stream.data(Buffer.alloc(12), true);
    second?.stream.data(Buffer.alloc(0), true);
    assert.deepEqual(script.readWords(), ["DATA 3 0 end", "DATA 1 10"]);
    script.send(windowUpdate(1, 5));
    assert.deepEqual(script.readWords(), ["DATA 1 2 end"]);
  });

  it("stops at the connection's window for all streams, and then serves them in turn, a frame each", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 1 << 20]));
    const requests = answered(script, 3);
    for (const { stream } of requests) stream.data(Buffer.alloc(64 * KIB), false);
    const first = script.readWords();
    assert.deepEqual(first.slice(0, 4), ["DATA 1 16384", "DATA 3 16384", "DATA 5 16384", "DATA 1 16383"]);
    assert.equal(first.length, 4);
    script.send(windowUpdate(0, 40_000));
    assert.deepEqual(script.readWords(), ["DATA 3 16384", "DATA 5 16384", "DATA 1 7232"]);
    assert.equal(requests[0]?.recorder.sentBytes, 16_384 + 16_383 + 7232);
  });

  it("lets a stream without window stand aside for the others", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 10]));
    const [first, second] = answered(script, 2);
    first?.stream.data(Buffer.alloc(20), false);
    second?.stream.data(Buffer.alloc(8), true);
    assert.deepEqual(script.readWords(), ["DATA 1 10", "DATA 3 8 end"]);
  });

  it("stops while the socket is full, and answers to the peer wait with it", () => {
    const script = new Script("server");
    const { stream, recorder } = answeredOne(script);
    script.end.transport.takesMore = false;
    stream.data(Buffer.alloc(10), false);
    assert.deepEqual(script.readWords(), ["DATA 1 10"]);
    stream.data(Buffer.alloc(7), false);
    stream.trailers(TRAILERS);
    assert.equal(script.end.transport.flushIsAsked, false);
    assert.equal(recorder.sentBytes, 10);
    script.end.transport.takesMore = true;
    script.connection.drained();
    assert.deepEqual(script.readWords(), ["DATA 1 7", "HEADERS 1 grpc-status 0 end"]);
  });

  it("asks for no second flush while one is still to come, also where the socket drained meanwhile", () => {
    const script = new Script("server");
    script.send(headers(1, REQUEST, true), headers(3, REQUEST, true));
    script.requests[0]?.stream.headers(RESPONSE, false);
    script.connection.drained();
    // The transport throws where it is asked twice.
    script.requests[1]?.stream.headers(RESPONSE, false);
    assert.equal(script.read().length, 2);
  });

  it("cuts what is larger than the peer's frames, and uses larger frames where it may", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 1 << 20]), windowUpdate(0, 1 << 20));
    const [first, second] = answered(script, 2);
    first?.stream.data(Buffer.alloc(20_000), true);
    assert.deepEqual(script.readWords(), ["DATA 1 16384", "DATA 1 3616 end"]);
    script.send(settings([5, 30_000]));
    second?.stream.data(Buffer.alloc(20_000), true);
    assert.deepEqual(script.readWords().slice(1), ["DATA 3 20000 end"]);
  });

  it("joins the small parts that waited into one frame, in their order", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 0]));
    const { stream } = answeredOne(script);
    const parts = [...Array(600).keys()].map((at) => Buffer.from([at % 251, at % 7]));
    for (const part of parts) stream.data(part, false);
    stream.data(Buffer.alloc(2000, 9), true);
    assert.deepEqual(script.readWords(), []);
    script.send(windowUpdate(1, 801));
    const [first] = script.read();
    script.send(windowUpdate(1, 1 << 20));
    const [second] = script.read();
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(Buffer.concat([first.payload, second.payload]), Buffer.concat([...parts, Buffer.alloc(2000, 9)]));
  });

  it("ends at a reset: what waited is dropped, and no credit is reported for it", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 10]));
    const [first, second] = answered(script, 2);
    for (const request of [first, second]) request?.stream.data(Buffer.alloc(30), false);
    assert.deepEqual(script.readWords(), ["DATA 1 10", "DATA 3 10"]);
    first?.stream.reset(ErrorCode.CANCEL);
    script.send(reset(3, ErrorCode.CANCEL), windowUpdate(1, 100), windowUpdate(3, 100));
    assert.deepEqual(script.readWords(), ["RST_STREAM 1 code 8"]);
    assert.equal(first?.recorder.sentBytes, 10);
  });

  it("before a reset with NO_ERROR behind the end waits until all was sent (RFC 9113 §8.1)", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 10]), headers(1, REQUEST, false));
    const { stream } = script.requests[0]!;
    stream.headers(RESPONSE, false);
    stream.data(Buffer.alloc(12), false);
    stream.trailers(TRAILERS);
    stream.reset(ErrorCode.NO_ERROR);
    assert.equal(stream.isReset, false);
    script.read();
    script.send(windowUpdate(1, 10));
    assert.deepEqual(script.readWords(), ["DATA 1 2", "HEADERS 1 grpc-status 0 end", "RST_STREAM 1 code 0"]);
    assert.equal(stream.isReset, true);
  });

  it("follows INITIAL_WINDOW_SIZE on open streams, below 0 too (RFC 9113 §6.9.2)", () => {
    const script = new Script("server").send(settings([INITIAL_WINDOW_SIZE, 10]));
    const { stream } = answeredOne(script);
    stream.data(Buffer.alloc(30), false);
    assert.deepEqual(script.readWords(), ["DATA 1 10"]);
    script.send(settings([INITIAL_WINDOW_SIZE, 4]), windowUpdate(1, 6));
    assert.deepEqual(script.readWords(), ["SETTINGS 0 ack"]);
    script.send(windowUpdate(1, 1));
    assert.deepEqual(script.readWords(), ["DATA 1 1"]);
    script.send(settings([INITIAL_WINDOW_SIZE, 9]));
    assert.deepEqual(script.readWords(), ["SETTINGS 0 ack", "DATA 1 5"]);
  });

  it("gathers many streams' frames into one write, and large payloads are not copied", () => {
    const script = new Script("server");
    const requests = answered(script, 20);
    const large = Buffer.alloc(8 * KIB);
    for (const { stream } of requests) stream.data(Buffer.alloc(100), false);
    requests[0]?.stream.data(large, false);
    const written = script.end.flush();
    assert.equal(written.length, 2);
    assert.equal(written[1], large);
  });
});

describe("receiving DATA", () => {
  it("gives the connection's credit back at receipt, the stream's when it is consumed (invariant 5)", () => {
    const script = new Script("server", { connectionWindowBytes: 65_535, streamWindowMaxBytes: 256 * KIB });
    script.send(headers(1, REQUEST, false));
    const { recorder, stream } = script.requests[0]!;
    recorder.consumes = false;
    for (let at = 0; at < 8; at++) script.send(data(1, 16 * KIB));
    const updates = script.read().map(({ type, streamId }) => `${type} ${streamId}`);
    assert.deepEqual(updates, Array(4).fill("WINDOW_UPDATE 0"));
    stream.consumed(127 * KIB);
    assert.equal(credit(script, 1), 0);
    stream.consumed(KIB);
    assert.equal(credit(script, 1), 128 * KIB);
  });

  it("gives the connection's credit back for streams that were reset or refused", () => {
    const script = new Script("server", { connectionWindowBytes: 65_535, concurrentStreamsMax: 1 });
    script.send(headers(1, REQUEST, false), headers(3, REQUEST, false));
    script.requests[0]?.stream.reset(ErrorCode.CANCEL);
    script.read();
    script.send(data(1, 16 * KIB), data(1, 16 * KIB), data(3, 16 * KIB), data(3, 16 * KIB));
    assert.equal(credit(script, 0), 64 * KIB);
    assert.equal(script.end.fault, undefined);
  });

  it("resets a stream whose peer sends beyond the window", () => {
    const script = new Script("server", { streamWindowBytes: 65_535, streamWindowMaxBytes: 65_535 });
    script.send(headers(1, REQUEST, false));
    const { recorder } = script.requests[0]!;
    recorder.consumes = false;
    for (let at = 0; at < 4; at++) script.send(data(1, 16 * KIB));
    assert.deepEqual(recorder.log.slice(3), [`reset ${ErrorCode.FLOW_CONTROL_ERROR} stream_window`, "closed"]);
  });

  it("ends a connection whose peer sends beyond its window", () => {
    const options = { connectionWindowBytes: 65_535, frameSizeMaxBytes: 100_000 };
    const script = new Script("server", options).send(headers(1, REQUEST, false), data(1, 65_536));
    assert.equal(script.end.fault?.token, "connection_window");
    assert.equal(script.end.fault?.code, ErrorCode.FLOW_CONTROL_ERROR);
  });

  it("lets a stream's window grow while its handler drains two windows within four round trips, up to the maximum", () => {
    const reserved = { bytes: 0 };
    const memoryBudget: MemoryBudget = {
      tryReserve: (bytes) => {
        reserved.bytes += bytes;
        return true;
      },
      release: (bytes) => {
        reserved.bytes -= bytes;
      },
    };
    const script = new Script("server", { streamWindowMaxBytes: 1024 * KIB, memoryBudget });
    acknowledgeAfter(script, 10);
    script.send(headers(1, REQUEST, false));
    const receive = (bytes: number, afterMs = 0): number => {
      script.end.transport.timeMs += afterMs;
      for (let left = bytes; left > 0; left -= 16 * KIB) script.send(data(1, 16 * KIB));
      return credit(script, 1) - bytes;
    };
    assert.equal(receive(256 * KIB), 0);
    assert.equal(receive(256 * KIB, 41), 0, "two windows in more than four round trips are slow");
    assert.equal(receive(256 * KIB), 0);
    assert.equal(receive(256 * KIB, 39), 256 * KIB, "two windows in less are fast");
    assert.equal(receive(1024 * KIB), 512 * KIB);
    assert.equal(receive(4096 * KIB), 0, "the maximum is reached");
    assert.equal(reserved.bytes, 768 * KIB);
    script.send(reset(1, ErrorCode.CANCEL));
    assert.equal(reserved.bytes, 0);
  });

  it("keeps a stream's window where the round trip is too short for it to matter, or not known yet", () => {
    for (const roundTripMs of [0.5, undefined]) {
      const memoryBudget: MemoryBudget = { tryReserve: () => assert.fail("it grows"), release: () => {} };
      const script = new Script("server", { memoryBudget });
      if (roundTripMs !== undefined) acknowledgeAfter(script, roundTripMs);
      script.send(headers(1, REQUEST, false));
      for (let at = 0; at < 256; at++) script.send(data(1, 16 * KIB));
      assert.equal(credit(script, 1), 4096 * KIB);
    }
  });

  it("keeps a stream's window where the memory budget has no room", () => {
    const memoryBudget: MemoryBudget = { tryReserve: () => false, release: () => assert.fail("nothing was reserved") };
    const script = new Script("server", { memoryBudget });
    acknowledgeAfter(script, 10).send(headers(1, REQUEST, false));
    for (let at = 0; at < 256; at++) script.send(data(1, 16 * KIB));
    script.send(data(1, "", true));
    assert.equal(credit(script, 1), 4096 * KIB);
  });
});
