import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flag, FrameType, PREFACE } from "./frames.ts";
import { ErrorCode } from "./h2.ts";
import {
  data,
  frame,
  goAway,
  headers,
  plainBlock,
  REQUEST,
  RESPONSE,
  reset,
  Script,
  SETTINGS_ACK,
  settings,
  TRAILERS,
  uint32,
  windowUpdate,
} from "./testing/script.ts";

const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, COMPRESSION_ERROR } = ErrorCode;

/** Asserts that the connection ended with this fault: GOAWAY was written, the transport closed, `closed` told. */
function assertFault(script: Script, code: number, token: string): void {
  assert.equal(script.end.fault?.token, token);
  assert.equal(script.end.fault?.code, code);
  assert.equal(script.readWords().at(-1), `GOAWAY 0 code ${code}`);
  assert.equal(script.end.transport.closed, "gracefully");
  assert.equal(script.end.log.at(-1), `closed ${token}`);
}

describe("a frame that breaks the rules ends the connection", () => {
  const atAnyTime: [what: string, code: number, token: string, frames: Buffer[]][] = [
    ["DATA on stream 0", PROTOCOL_ERROR, "data_stream_0", [data(0, "a")]],
    ["DATA on an idle stream", PROTOCOL_ERROR, "data_on_idle_stream", [data(1, "a")]],
    ["padding as long as its DATA", PROTOCOL_ERROR, "padding", [frame(0, Flag.PADDED, 1, Buffer.from([1]))]],
    ["HEADERS on stream 0", PROTOCOL_ERROR, "headers_stream_0", [headers(0, REQUEST, true)]],
    ["HEADERS on an even stream", PROTOCOL_ERROR, "stream_id", [headers(2, REQUEST, true)]],
    [
      "HEADERS on a stream passed over",
      PROTOCOL_ERROR,
      "stream_id",
      [headers(5, REQUEST, true), headers(3, REQUEST, true)],
    ],
    [
      "HEADERS on the first stream passed over",
      PROTOCOL_ERROR,
      "stream_id",
      [headers(3, REQUEST, true), headers(1, REQUEST, true)],
    ],
    ["HEADERS too short for its padding length", FRAME_SIZE_ERROR, "frame_length", [frame(1, Flag.PADDED, 1)]],
    ["HEADERS too short for its priority", FRAME_SIZE_ERROR, "frame_length", [frame(1, Flag.PRIORITY, 1, uint32(0))]],
    ["padding longer than its HEADERS", PROTOCOL_ERROR, "padding", [frame(1, Flag.PADDED, 1, Buffer.from([9, 0]))]],
    [
      "HEADERS that depend on themselves",
      PROTOCOL_ERROR,
      "self_dependency",
      [frame(1, Flag.PRIORITY, 1, Buffer.from([0, 0, 0, 1, 0]))],
    ],
    ["PRIORITY on stream 0", PROTOCOL_ERROR, "priority_stream_0", [frame(2, 0, 0, Buffer.alloc(5))]],
    ["PRIORITY of a wrong length", FRAME_SIZE_ERROR, "frame_length", [frame(2, 0, 1, Buffer.alloc(4))]],
    ["PRIORITY on itself", PROTOCOL_ERROR, "self_dependency", [frame(2, 0, 1, Buffer.from([0, 0, 0, 1, 0]))]],
    ["RST_STREAM on stream 0", PROTOCOL_ERROR, "reset_stream_0", [reset(0, 8)]],
    ["RST_STREAM on an idle stream", PROTOCOL_ERROR, "frame_on_idle_stream", [reset(1, 8)]],
    ["RST_STREAM of a wrong length", FRAME_SIZE_ERROR, "frame_length", [frame(3, 0, 1, Buffer.alloc(3))]],
    ["SETTINGS on a stream", PROTOCOL_ERROR, "settings_stream", [frame(4, 0, 1)]],
    ["SETTINGS of a wrong length", FRAME_SIZE_ERROR, "frame_length", [frame(4, 0, 0, Buffer.alloc(5))]],
    ["SETTINGS ACK with a payload", FRAME_SIZE_ERROR, "frame_length", [frame(4, Flag.ACK, 0, Buffer.alloc(6))]],
    ["ENABLE_PUSH above 1", PROTOCOL_ERROR, "settings_value", [settings([2, 2])]],
    ["INITIAL_WINDOW_SIZE above 2^31-1", FLOW_CONTROL_ERROR, "settings_value", [settings([4, 2 ** 31])]],
    ["MAX_FRAME_SIZE below 16384", PROTOCOL_ERROR, "settings_value", [settings([5, 16_383])]],
    ["MAX_FRAME_SIZE above 2^24-1", PROTOCOL_ERROR, "settings_value", [settings([5, 2 ** 24])]],
    ["ENABLE_CONNECT_PROTOCOL above 1", PROTOCOL_ERROR, "settings_value", [settings([8, 2])]],
    ["PUSH_PROMISE", PROTOCOL_ERROR, "push_promise", [frame(5, 0, 1, Buffer.alloc(8))]],
    ["PING on a stream", PROTOCOL_ERROR, "ping_stream", [frame(6, 0, 1, Buffer.alloc(8))]],
    ["PING of a wrong length", FRAME_SIZE_ERROR, "frame_length", [frame(6, 0, 0, Buffer.alloc(7))]],
    ["GOAWAY on a stream", PROTOCOL_ERROR, "goaway_stream", [frame(7, 0, 1, Buffer.alloc(8))]],
    ["GOAWAY of a wrong length", FRAME_SIZE_ERROR, "frame_length", [frame(7, 0, 0, Buffer.alloc(7))]],
    ["WINDOW_UPDATE of 0", PROTOCOL_ERROR, "window_update_0", [windowUpdate(0, 0)]],
    ["WINDOW_UPDATE of a wrong length", FRAME_SIZE_ERROR, "frame_length", [frame(8, 0, 0, Buffer.alloc(5))]],
    ["WINDOW_UPDATE on an idle stream", PROTOCOL_ERROR, "frame_on_idle_stream", [windowUpdate(1, 1)]],
    ["a connection window above 2^31-1", FLOW_CONTROL_ERROR, "window_overflow", [windowUpdate(0, 2 ** 31 - 1)]],
    ["CONTINUATION without HEADERS", PROTOCOL_ERROR, "continuation_unexpected", [frame(9, 4, 1)]],
    [
      "a frame within a header block",
      PROTOCOL_ERROR,
      "continuation_expected",
      [frame(1, 0, 1), frame(6, 0, 0, Buffer.alloc(8))],
    ],
    ["CONTINUATION of another stream", PROTOCOL_ERROR, "continuation_expected", [frame(1, 0, 1), frame(9, 4, 3)]],
    [
      "an unknown frame within a header block",
      PROTOCOL_ERROR,
      "continuation_expected",
      [frame(1, 0, 1), frame(77, 0, 0)],
    ],
    ["a frame over our size", FRAME_SIZE_ERROR, "frame_size", [frame(77, 0, 0, Buffer.alloc(16_385))]],
    ["a broken header block", COMPRESSION_ERROR, "hpack_table_index", [frame(1, 5, 1, Buffer.from([0xfe]))]],
  ];
  for (const [what, code, token, frames] of atAnyTime) {
    it(`${what}: ${token}`, () => assertFault(new Script("server").send(...frames), code, token));
  }

  const onAStream: [what: string, code: number, token: string, frame: Buffer][] = [
    ["DATA behind END_STREAM", STREAM_CLOSED, "data_on_closed_stream", data(1, "a")],
    ["HEADERS behind END_STREAM", STREAM_CLOSED, "headers_on_closed_stream", headers(1, TRAILERS, true)],
    ["WINDOW_UPDATE of 0 on a stream", PROTOCOL_ERROR, "window_update_0", windowUpdate(1, 0)],
    ["a stream's window above 2^31-1", FLOW_CONTROL_ERROR, "window_overflow", windowUpdate(1, 2 ** 31 - 1)],
    [
      "a SETTINGS that makes it so",
      FLOW_CONTROL_ERROR,
      "window_overflow",
      Buffer.concat([windowUpdate(1, 2 ** 30), settings([4, 2 ** 31 - 1])]),
    ],
  ];
  for (const [what, code, token, bytes] of onAStream) {
    it(`${what} (MadeYouReset): ${token}`, () => {
      const script = new Script("server").send(headers(1, REQUEST, true));
      script.send(bytes);
      assert.equal(script.requests[0]?.recorder.log.at(-2), `reset ${code} ${token}`);
      assertFault(script, code, token);
    });
  }

  it("DATA or HEADERS on a stream that both sides ended, or that the peer reset", () => {
    for (const end of ["ended", "reset"]) {
      for (const bytes of [data(1, "a"), headers(1, TRAILERS, true)]) {
        const script = new Script("server").send(headers(1, REQUEST, end === "ended"));
        if (end === "ended") script.requests[0]?.stream.headers(RESPONSE, true);
        else script.send(reset(1, 8));
        script.send(bytes);
        assert.equal(script.end.fault?.code, STREAM_CLOSED);
      }
    }
  });

  it("a client that begins with other bytes than the preface, also if they come one by one", () => {
    const script = new Script("server", {}, false);
    script.read();
    script.send(Buffer.from("G"));
    assertFault(script, PROTOCOL_ERROR, "preface");
    const second = new Script("server", {}, false);
    for (const byte of PREFACE.subarray(0, 23)) second.send(Buffer.from([byte]));
    assert.equal(second.end.fault, undefined);
    second.send(Buffer.from("x"));
    assertFault(second, PROTOCOL_ERROR, "preface");
  });

  it("a first frame that is not SETTINGS, or is an ACK, in both roles", () => {
    for (const role of ["server", "client"] as const) {
      for (const bytes of [frame(6, 0, 0, Buffer.alloc(8)), SETTINGS_ACK, data(1, "a")]) {
        const script = new Script(role, {}, false);
        script.send(...(role === "server" ? [PREFACE] : []), bytes);
        assert.equal(script.end.fault?.token, "settings_first");
      }
    }
  });

  it("a server that opens streams, or offers push", () => {
    assertFault(new Script("client").send(headers(2, RESPONSE, true)), PROTOCOL_ERROR, "stream_id");
    assertFault(new Script("client").send(headers(1, RESPONSE, true)), PROTOCOL_ERROR, "stream_id");
    assertFault(new Script("client").send(settings([2, 1])), PROTOCOL_ERROR, "settings_value");
  });
});

describe("a frame that means nothing is let pass", () => {
  it("unknown types, PRIORITY, unknown settings, an unasked PING ACK", () => {
    const script = new Script("server");
    script.send(frame(77, 0xff, 0, Buffer.alloc(3)), frame(77, 0, 9, Buffer.alloc(3)), frame(2, 0, 9, Buffer.alloc(5)));
    script.send(settings([99, 1]), frame(6, Flag.ACK, 0, Buffer.alloc(8)));
    assert.deepEqual(script.readWords(), ["SETTINGS 0 ack"]);
    assert.equal(script.end.fault, undefined);
  });

  it("WINDOW_UPDATE and RST_STREAM on a stream that is closed", () => {
    const script = new Script("server").send(headers(1, REQUEST, true));
    script.requests[0]?.stream.headers(RESPONSE, true);
    script.read();
    script.send(windowUpdate(1, 1), reset(1, 0));
    assert.deepEqual(script.readWords(), []);
    assert.equal(script.end.fault, undefined);
  });

  it("what was on its way when we reset the stream, until the peer ends it", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    script.requests[0]?.stream.reset(ErrorCode.CANCEL);
    script.send(data(1, "a"), windowUpdate(1, 1), headers(1, TRAILERS, true));
    assert.deepEqual(script.readWords(), ["RST_STREAM 1 code 8"]);
    assert.deepEqual(script.end.log, []);
    script.send(data(1, "a"));
    assertFault(script, STREAM_CLOSED, "data_on_closed_stream");
  });
});

describe("Connection.receive", () => {
  it("understands frames wherever chunks cut them", () => {
    const bytes = Buffer.concat([
      headers(1, REQUEST, false),
      data(1, "hello"),
      frame(FrameType.DATA, Flag.PADDED | Flag.END_STREAM, 1, Buffer.from([2, 0x61, 0x62, 0, 0])),
      frame(FrameType.PING, 0, 0, Buffer.alloc(8)),
    ]);
    for (let size = 1; size <= bytes.length; size++) {
      const script = new Script("server");
      for (let at = 0; at < bytes.length; at += size) script.send(bytes.subarray(at, at + size));
      const { recorder, stream } = script.requests[0]!;
      assert.equal(recorder.receivedBytes, 7, `chunks of ${size}`);
      assert.equal(stream.remoteClosed, true);
      assert.deepEqual(script.readWords(), ["PING 0 ack"]);
    }
  });

  it("passes on what a handler throws, and can be destroyed then", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    const { recorder } = script.requests[0]!;
    recorder.data = () => {
      throw new RangeError("a bug");
    };
    assert.throws(() => script.send(data(1, "a"), data(1, "b")), RangeError);
    script.connection.destroy();
    assert.deepEqual(recorder.log, [`reset ${ErrorCode.INTERNAL_ERROR} connection_destroyed`, "closed"]);
    assert.equal(script.end.log.at(-1), "closed cleanly");
  });

  it("decodes a header block of a refused stream, for the table's sake", () => {
    const script = new Script("server", { concurrentStreamsMax: 1 });
    const indexing = Buffer.concat([Buffer.from([0x40]), plainBlock(["x-a", "b"]).subarray(1)]);
    const block = plainBlock(REQUEST);
    script.send(frame(1, 4, 1, block), frame(1, 5, 3, Buffer.concat([block, indexing])));
    assert.deepEqual(script.readWords(), ["RST_STREAM 3 code 7"]);
    script.requests[0]?.stream.reset(ErrorCode.CANCEL);
    script.send(frame(1, 5, 5, Buffer.concat([block, Buffer.from([0x80 | 62])])));
    assert.deepEqual(script.requests[1]?.head.slice(-2), ["x-a", "b"]);
  });
});

describe("Connection, client role", () => {
  it("tells of GOAWAY, then resets the streams above its last id as unprocessed, and opens no more", () => {
    const script = new Script("client");
    const [first, second] = [script.open(), script.open()];
    assert.equal(script.connection.canOpen, true);
    script.send(goAway(1, 0, "bye"));
    assert.deepEqual(script.end.log, ["goaway 1 0 bye"]);
    assert.deepEqual(first.log, []);
    assert.deepEqual(second.log, ["reset 7 unprocessed", "closed"]);
    assert.equal(script.connection.canOpen, false);
    script.send(headers(1, RESPONSE, false), headers(1, TRAILERS, true));
    assert.equal(first.log.at(-1), "trailers grpc-status 0");
  });

  it("tells that REFUSED_STREAM means unprocessed, and another code does not", () => {
    const script = new Script("client");
    const [first, second] = [script.open(), script.open()];
    script.send(reset(1, ErrorCode.REFUSED_STREAM), reset(3, ErrorCode.CANCEL));
    assert.deepEqual(first.log, ["reset 7 unprocessed", "closed"]);
    assert.deepEqual(second.log, ["reset 8", "closed"]);
  });

  it("opens no more streams than the peer allows", () => {
    const script = new Script("client").send(settings([3, 1]));
    assert.equal(script.connection.peer.maxConcurrentStreams, 1);
    script.open();
    assert.equal(script.connection.canOpen, false);
    assert.throws(() => script.open());
    script.send(reset(1, 8));
    assert.equal(script.connection.canOpen, true);
  });
});
