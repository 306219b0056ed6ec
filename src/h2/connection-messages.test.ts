import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flag, FrameType } from "./frames.ts";
import { ErrorCode, type HeaderList, UsageError } from "./h2.ts";
import { MALFORMED_REQUESTS, MALFORMED_RESPONSES, withField, without } from "./testing/malformed.ts";
import { data, frame, headers, plainBlock, REQUEST, RESPONSE, Script, TRAILERS } from "./testing/script.ts";

describe("a request", () => {
  it("is handed over with its head, content and trailers, and ends when both sides have ended", () => {
    const script = new Script("server");
    script.send(headers(1, REQUEST, false), data(1, "hello"), headers(1, ["a", "b"], true));
    const { stream, head, recorder } = script.requests[0]!;
    assert.deepEqual(head, REQUEST);
    assert.deepEqual(recorder.log, ["data 5", "trailers a b"]);
    stream.headers(RESPONSE, false);
    stream.data(Buffer.from("answer"), false);
    stream.trailers(TRAILERS);
    assert.equal(recorder.log.at(-1), "closed");
    assert.deepEqual(script.readWords(), [
      `HEADERS 1 ${RESPONSE.join(" ")}`,
      "DATA 1 6",
      `HEADERS 1 ${TRAILERS.join(" ")} end`,
    ]);
    assert.equal(recorder.sentBytes, 6);
    assert.equal(script.connection.openStreams, 0);
  });

  it("may be answered before it has ended, and the rest of it given up with NO_ERROR (RFC 9113 §8.1)", () => {
    const script = new Script("server");
    script.send(headers(1, REQUEST, false));
    const { stream, recorder } = script.requests[0]!;
    stream.headers(RESPONSE, true);
    stream.reset(ErrorCode.NO_ERROR);
    assert.deepEqual(recorder.log, ["closed"]);
    assert.deepEqual(script.readWords(), [`HEADERS 1 ${RESPONSE.join(" ")} end`, "RST_STREAM 1 code 0"]);
    script.send(data(1, "late"), headers(1, TRAILERS, true));
    assert.deepEqual(script.readWords(), []);
    assert.deepEqual(recorder.log, ["closed"]);
  });

  const accepted: [what: string, head: HeaderList][] = [
    ["without :authority", without(REQUEST, ":authority")],
    ["with te: trailers", withField(REQUEST, "te", "trailers")],
    ["with the same host and :authority", withField(REQUEST, "host", "EXAMPLE")],
    ["with OPTIONS *", [":method", "OPTIONS", ":scheme", "https", ":path", "*"]],
    ["with an empty value", withField(REQUEST, "a", "")],
    ["with spaces within a value", withField(REQUEST, "a", "b c")],
    ["with bytes above 127", withField(REQUEST, "a", "\xff\x80")],
  ];
  for (const [what, head] of accepted) {
    it(`${what} is accepted`, () => {
      const script = new Script("server").send(headers(1, head, true));
      assert.deepEqual(script.requests[0]?.head, head);
      assert.deepEqual(script.readWords(), []);
    });
  }

  for (const { what, token, frames } of [...MALFORMED_REQUESTS.heads, ...MALFORMED_REQUESTS.bodies]) {
    it(`${what} is reset as malformed, and the connection lives (RFC 9113 §8.1.1)`, () => {
      const script = new Script("server").send(...frames(1, REQUEST));
      assert.deepEqual(script.end.log, [`stream fault ${token}`]);
      assert.equal(script.readWords().at(-1), "RST_STREAM 1 code 1");
      for (const { recorder } of script.requests) {
        assert.deepEqual(recorder.log.slice(-2), [`reset 1 ${token}`, "closed"]);
        assert.ok(!recorder.log.some((line) => line.startsWith("trailers") || line.endsWith(" end")), "no clean end");
      }
      assert.ok(script.send(headers(3, REQUEST, true)).requests.some(({ stream }) => stream.id === 3));
    });
  }

  it("with padding and priority is accepted, and the padding's credit goes back at once", () => {
    const script = new Script("server", { streamWindowBytes: 65_535, streamWindowMaxBytes: 65_535 });
    const block = plainBlock(REQUEST);
    const flags = Flag.END_HEADERS | Flag.PADDED | Flag.PRIORITY;
    const padded = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 7]), block, Buffer.alloc(3)]);
    script.send(frame(FrameType.HEADERS, flags, 1, padded));
    const { recorder } = script.requests[0]!;
    recorder.consumes = false;
    for (let at = 0; at < 200; at++) {
      script.send(frame(FrameType.DATA, Flag.PADDED, 1, Buffer.concat([Buffer.from([200, 1]), Buffer.alloc(200)])));
    }
    assert.equal(recorder.receivedBytes, 200);
    const credit = script
      .read()
      .reduce((sum, { streamId, increment }) => sum + (streamId === 1 ? (increment ?? 0) : 0), 0);
    assert.ok(credit >= 65_535 / 2, `${credit} bytes of padding were credited`);
  });

  it("whose head comes in HEADERS and CONTINUATION frames is one request", () => {
    const block = plainBlock(REQUEST);
    const script = new Script("server").send(
      frame(FrameType.HEADERS, Flag.END_STREAM, 1, block.subarray(0, 5)),
      frame(FrameType.CONTINUATION, 0, 1, block.subarray(5, 6)),
      frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, block.subarray(6)),
    );
    assert.deepEqual(script.requests[0]?.head, REQUEST);
    assert.equal(script.requests[0]?.stream.remoteClosed, true);
  });
});

describe("a response", () => {
  it("is handed over with its head, content and trailers; interim responses are skipped", () => {
    const script = new Script("client");
    const call = script.open(REQUEST, true);
    script.send(
      headers(1, [":status", "103"], false),
      headers(1, RESPONSE, false),
      data(1, "x"),
      headers(1, TRAILERS, true),
    );
    assert.deepEqual(call.log, [`headers ${RESPONSE.join(" ")}`, "data 1", "trailers grpc-status 0", "closed"]);
  });

  it("may consist of its head alone", () => {
    const script = new Script("client");
    const call = script.open(REQUEST, true);
    script.send(headers(1, [...RESPONSE, "grpc-status", "5"], true));
    assert.deepEqual(call.log, [`headers ${RESPONSE.join(" ")} grpc-status 5 end`, "closed"]);
  });

  it("to HEAD, or with 304, may have a content-length without content", () => {
    const script = new Script("client");
    const head = script.open(REQUEST.with(1, "HEAD"), true);
    const get = script.open(REQUEST.with(1, "GET"), true);
    script.send(headers(1, [":status", "200", "content-length", "9"], true));
    script.send(headers(3, [":status", "304", "content-length", "9"], true));
    assert.equal(head.log.length, 2);
    assert.equal(get.log.at(-1), "closed");
  });

  for (const { what, token, frames } of [...MALFORMED_RESPONSES.heads, ...MALFORMED_RESPONSES.bodies]) {
    it(`${what} is reset as malformed, and the connection lives (RFC 9113 §8.1.1)`, () => {
      const script = new Script("client");
      const call = script.open();
      script.send(...frames(1, RESPONSE));
      assert.deepEqual(call.log.slice(-2), [`reset 1 ${token}`, "closed"]);
      assert.ok(!call.log.some((line) => line.startsWith("trailers") || line.endsWith(" end")), "no clean end");
      assert.equal(script.readWords().at(-1), "RST_STREAM 1 code 1");
      const next = script.open(REQUEST, true);
      script.send(headers(3, [...RESPONSE, ...TRAILERS], true));
      assert.equal(next.log.at(-1), "closed");
    });
  }

  it("with a header list over the limit is reset with a fault", () => {
    const script = new Script("client", { headerListMaxBytes: 1024 });
    const call = script.open();
    script.send(headers(1, [...RESPONSE, "a", "x".repeat(1000)], false));
    assert.deepEqual(call.log, [`reset ${ErrorCode.ENHANCE_YOUR_CALM} header_list_size`, "closed"]);
  });
});

describe("Stream", () => {
  it("throws for calls that can never be right, and ignores those that a reset crosses", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    const { stream } = script.requests[0]!;
    assert.throws(() => stream.data(Buffer.from("a"), false), UsageError);
    assert.throws(() => stream.trailers(TRAILERS), UsageError);
    stream.headers(RESPONSE, false);
    assert.throws(() => stream.headers(RESPONSE, false), UsageError);
    stream.trailers(TRAILERS);
    assert.throws(() => stream.data(Buffer.from("a"), false), UsageError);
    script.send(frame(FrameType.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])));
    assert.equal(stream.isReset, true);
    stream.headers(RESPONSE, true);
    stream.data(Buffer.from("a"), true);
    stream.trailers(TRAILERS);
    stream.consumed(5);
    stream.reset(ErrorCode.CANCEL);
    assert.equal(script.readWords().includes("RST_STREAM 1 code 8"), false);
  });
});
