import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flag, FrameType, STREAM_ID_MAX } from "./frames.ts";
import { ConnectionFault, ErrorCode } from "./h2.ts";
import { connectionOptions } from "./options.ts";
import { StreamTable } from "./stream-table.ts";
import { data, frame, headers, REQUEST, RESPONSE, Script, TRAILERS } from "./testing/script.ts";

const FAULT = new ConnectionFault(ErrorCode.INTERNAL_ERROR, "internal_error", "RFC 9113 §7", "a bug");

describe("Connection.destroy", () => {
  it("writes GOAWAY, resets every stream, tells of the end, closes the transport; twice is once", () => {
    const script = new Script("server").send(headers(1, REQUEST, false), headers(3, REQUEST, true));
    script.connection.destroy(FAULT);
    script.connection.destroy();
    assert.deepEqual(script.readWords(), ["GOAWAY 0 code 2"]);
    for (const { recorder } of script.requests) assert.deepEqual(recorder.log, ["reset 2 internal_error", "closed"]);
    assert.deepEqual(script.end.log, ["closed internal_error"]);
    assert.equal(script.end.transport.closed, "gracefully");
    script.send(data(1, "a"));
    script.connection.flush();
    script.connection.tick(1e9);
    assert.deepEqual(script.readWords(), []);
    assert.equal(script.connection.openStreams, 0);
  });

  it("closes hard where the socket is full: GOAWAY cannot be written", () => {
    const script = new Script("server");
    script.end.transport.takesMore = false;
    script.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    script.read();
    script.connection.destroy(FAULT);
    assert.equal(script.end.transport.closed, "hard");
  });

  it("ends every stream even if a handler throws, and throws that error then", () => {
    const script = new Script("server").send(headers(1, REQUEST, false), headers(3, REQUEST, false));
    script.requests[0]!.recorder.reset = () => {
      throw new RangeError("a bug");
    };
    assert.throws(() => script.connection.destroy(), RangeError);
    assert.deepEqual(script.requests[1]?.recorder.log, ["reset 2 connection_destroyed", "closed"]);
    assert.deepEqual(script.end.log, ["closed cleanly"]);
    assert.equal(script.end.transport.closed, "gracefully");
  });

  it("may be called from inside any event", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    const { recorder } = script.requests[0]!;
    recorder.data = () => script.connection.destroy(FAULT);
    script.send(data(1, "a"), data(1, "b"), headers(3, REQUEST, true));
    assert.deepEqual(recorder.log, ["reset 2 internal_error", "closed"]);
    assert.equal(script.requests.length, 1);
  });
});

describe("Connection.transportClosed", () => {
  it("is a clean end without streams", () => {
    const script = new Script("client");
    script.connection.transportClosed();
    script.connection.transportClosed();
    assert.deepEqual(script.end.log, ["closed cleanly"]);
    assert.equal(script.connection.canOpen, false);
    assert.equal(script.end.transport.closed, "no");
  });

  it("with open streams is a loss, which each of them is told, and never a clean end of one", () => {
    const script = new Script("client");
    const call = script.open();
    script.send(headers(1, RESPONSE, false), data(1, "part"));
    script.connection.transportClosed(new Error("ECONNRESET"));
    assert.deepEqual(call.log.slice(2), ["reset 2 connection_lost", "closed"]);
    assert.deepEqual(script.end.log, ["closed connection_lost"]);
    assert.equal(script.end.fault?.message, "ECONNRESET");
  });
});

describe("Connection.goAway", () => {
  it("in two steps lets streams on their way pass, then refuses new ones; open ones go on", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    script.connection.goAway(ErrorCode.NO_ERROR, STREAM_ID_MAX);
    script.send(headers(3, REQUEST, true));
    assert.equal(script.requests.length, 2);
    script.connection.goAway();
    script.send(headers(5, REQUEST, false), data(5, "a"), data(1, "a", true));
    assert.deepEqual(script.readWords(), ["GOAWAY 0 code 0", "GOAWAY 0 code 0", "RST_STREAM 5 code 7"]);
    assert.equal(script.requests.length, 2);
    assert.equal(script.connection.lastPeerStreamId, 3);
    assert.equal(script.requests[0]?.stream.remoteClosed, true);
  });

  it("with closeWhenIdle closes after the last stream's bytes were written", () => {
    const script = new Script("server").send(headers(1, REQUEST, true));
    const { stream } = script.requests[0]!;
    script.connection.goAway();
    script.connection.closeWhenIdle();
    script.read();
    assert.equal(script.end.transport.closed, "no");
    stream.headers(RESPONSE, false);
    stream.trailers(TRAILERS);
    assert.equal(script.end.transport.closed, "no");
    assert.equal(script.readWords().length, 2);
    assert.equal(script.end.transport.closed, "gracefully");
    assert.deepEqual(script.end.log, ["closed cleanly"]);
  });

  it("with closeWhenIdle closes at once where nothing is open", () => {
    const script = new Script("server");
    script.connection.closeWhenIdle();
    script.read();
    assert.equal(script.end.transport.closed, "gracefully");
  });
});

describe("Connection.ping", () => {
  it("has one PING out at a time, and only its own answer ends the wait", () => {
    const script = new Script("client");
    assert.equal(script.connection.pingOutstandingSinceMs, -1);
    script.connection.ping(500);
    script.connection.ping(600);
    const [ping, ...others] = script.read();
    assert.equal(others.length, 0);
    assert.equal(script.connection.pingOutstandingSinceMs, 500);
    script.send(frame(FrameType.PING, Flag.ACK, 0, Buffer.alloc(8)));
    assert.equal(script.connection.pingOutstandingSinceMs, 500);
    script.send(frame(FrameType.PING, Flag.ACK, 0, ping!.payload));
    assert.equal(script.connection.pingOutstandingSinceMs, -1);
  });

  it("of the peer is answered with its payload", () => {
    const script = new Script("server");
    script.send(frame(FrameType.PING, 0, 0, Buffer.from("12345678")));
    const [answer] = script.read();
    assert.equal(answer?.flags, Flag.ACK);
    assert.equal(answer?.payload.toString(), "12345678");
  });

  it("waits for silence: bytes that came before the first tick came then at the latest", () => {
    const script = new Script("client");
    assert.equal(script.connection.lastReceivedAtMs, -1);
    script.connection.tick(1_000_000);
    assert.equal(script.connection.lastReceivedAtMs, 1_000_000);
  });

  it("and the time of the last bytes tell whether the peer lives", () => {
    const script = new Script("client");
    script.connection.tick(7_000);
    script.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    assert.equal(script.connection.lastReceivedAtMs, 7_000);
    script.connection.receive(frame(FrameType.PING, 0, 0, Buffer.alloc(8)), 7_345);
    assert.equal(script.connection.lastReceivedAtMs, 7_345);
  });
});

describe("a handler", () => {
  it("may answer, reset or destroy from inside the request event: it is told afterwards", () => {
    const script = new Script("server");
    const original = script.requests.push.bind(script.requests);
    script.requests.push = (request) => {
      const { stream } = request;
      if (stream.id === 1) {
        stream.headers(RESPONSE, false);
        stream.data(Buffer.from("four"), false);
        stream.trailers(TRAILERS);
      } else if (stream.id === 3) stream.reset(ErrorCode.CANCEL);
      else script.connection.destroy(FAULT);
      return original(request);
    };
    script.send(headers(1, REQUEST, true), headers(3, REQUEST, true), headers(5, REQUEST, true));
    const [answered, cancelled, destroyed] = script.requests;
    assert.deepEqual(answered?.recorder.log, ["closed"]);
    assert.equal(answered?.recorder.sentBytes, 4);
    assert.deepEqual(cancelled?.recorder.log, ["closed"]);
    assert.deepEqual(destroyed?.recorder.log, ["reset 2 internal_error", "closed"]);
  });
});

describe("StreamTable", () => {
  it("knows when a client's stream ids are used up (RFC 9113 §5.1.1)", () => {
    const table = new StreamTable("client", connectionOptions({}), () => {});
    assert.equal(table.nextLocalId, 1);
    table.highestId = STREAM_ID_MAX - 2;
    assert.equal(table.idsAreExhausted, false);
    table.highestId = STREAM_ID_MAX;
    assert.equal(table.idsAreExhausted, true);
  });
});
