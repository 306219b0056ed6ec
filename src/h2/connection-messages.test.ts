import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flag, FrameType } from "./frames.ts";
import { ErrorCode, type HeaderList, UsageError } from "./h2.ts";
import { data, frame, headers, plainBlock, REQUEST, RESPONSE, Script, TRAILERS } from "./testing/script.ts";

/** The request head with one field replaced, or added at the end. */
function withField(name: string, value: string): HeaderList {
  const at = REQUEST.indexOf(name);
  return at < 0 ? [...REQUEST, name, value] : REQUEST.with(at + 1, value);
}

function without(name: string): HeaderList {
  const at = REQUEST.indexOf(name);
  return REQUEST.toSpliced(at, 2);
}

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
    ["without :authority", without(":authority")],
    ["with te: trailers", withField("te", "trailers")],
    ["with the same host and :authority", withField("host", "EXAMPLE")],
    ["with OPTIONS *", [":method", "OPTIONS", ":scheme", "https", ":path", "*"]],
    ["with an empty value", withField("a", "")],
    ["with spaces within a value", withField("a", "b c")],
    ["with bytes above 127", withField("a", "\xff\x80")],
  ];
  for (const [what, head] of accepted) {
    it(`${what} is accepted`, () => {
      const script = new Script("server").send(headers(1, head, true));
      assert.deepEqual(script.requests[0]?.head, head);
      assert.deepEqual(script.readWords(), []);
    });
  }

  const refused: [what: string, token: string, head: HeaderList][] = [
    ["without :method", "pseudo_missing", without(":method")],
    ["without :scheme", "pseudo_missing", without(":scheme")],
    ["without :path", "pseudo_missing", without(":path")],
    ["with an empty :path", "path", withField(":path", "")],
    ["with a :path that does not begin with /", "path", withField(":path", "a/b")],
    ["with a :path with a space", "path", withField(":path", "/a b")],
    ["with a :path with a fragment", "path", withField(":path", "/a#b")],
    ["with the path * and POST", "path", withField(":path", "*")],
    ["with CONNECT", "connect", [":method", "CONNECT", ":authority", "example:1"]],
    ["with an empty method", "method", withField(":method", "")],
    ["with a scheme that is none", "method", withField(":scheme", "1s")],
    ["with user information in :authority", "authority", withField(":authority", "user@example")],
    ["with a repeated pseudo-header field", "pseudo_repeated", [":method", "GET", ...REQUEST]],
    ["with a pseudo-header field behind a regular one", "pseudo_order", ["a", "b", ...REQUEST]],
    ["with :status", "pseudo_misplaced", [":status", "200", ...REQUEST]],
    ["with an unknown pseudo-header field", "pseudo_unknown", [":protocol", "websocket", ...REQUEST]],
    ["with upper case in a name", "field_name", withField("A", "b")],
    ["with an empty name", "field_name", withField("", "b")],
    ["with a space in a name", "field_name", withField("a b", "c")],
    ["with a colon in a name", "field_name", withField("a:b", "c")],
    ["with CR LF in a value", "field_value", withField("a", "b\r\nc: d")],
    ["with NUL in a value", "field_value", withField("a", "b\0")],
    ["with a space in front of a value", "field_value", withField("a", " b")],
    ["with a tab behind a value", "field_value", withField("a", "b\t")],
    ["with connection", "connection_field", withField("connection", "close")],
    ["with keep-alive", "connection_field", withField("keep-alive", "1")],
    ["with proxy-connection", "connection_field", withField("proxy-connection", "close")],
    ["with transfer-encoding", "connection_field", withField("transfer-encoding", "chunked")],
    ["with upgrade", "connection_field", withField("upgrade", "h2c")],
    ["with te other than trailers", "te", withField("te", "gzip")],
    ["with a host that differs from :authority", "host_differs", withField("host", "other")],
    ["with two hosts", "host_repeated", [...REQUEST, "host", "example", "host", "example"]],
    ["with a content-length that is no number", "content_length", withField("content-length", "1a")],
    ["with two content-length", "content_length", [...REQUEST, "content-length", "1", "content-length", "2"]],
    ["with content-length and no content", "content_length", withField("content-length", "1")],
  ];
  for (const [what, token, head] of refused) {
    it(`${what} is refused as malformed, and the connection lives (RFC 9113 §8.1.1)`, () => {
      const script = new Script("server").send(headers(1, head, true));
      assert.deepEqual(script.end.log, [`stream fault ${token}`]);
      assert.deepEqual(script.readWords(), ["RST_STREAM 1 code 1"]);
      assert.equal(script.requests.length, 0);
      assert.equal(script.send(headers(3, REQUEST, true)).requests.length, 1);
    });
  }

  it("with more content than content-length says is reset", () => {
    const script = new Script("server").send(headers(1, withField("content-length", "3"), false), data(1, "1234"));
    assert.deepEqual(script.requests[0]?.recorder.log, ["reset 1 content_length", "closed"]);
    assert.deepEqual(script.readWords(), ["RST_STREAM 1 code 1"]);
  });

  it("with less content than content-length says is reset at its end, also with trailers", () => {
    const script = new Script("server").send(
      headers(1, withField("content-length", "5"), false),
      data(1, "1234", true),
      headers(3, withField("content-length", "5"), false),
      data(3, "1234"),
      headers(3, TRAILERS, true),
    );
    assert.deepEqual(script.readWords(), ["RST_STREAM 1 code 1", "RST_STREAM 3 code 1"]);
    assert.equal(script.requests[1]?.recorder.log.includes("trailers grpc-status 0"), false);
  });

  it("with trailers that do not end it, or with a pseudo-header field, is reset", () => {
    const script = new Script("server").send(headers(1, REQUEST, false), headers(1, TRAILERS, false));
    assert.deepEqual(script.requests[0]?.recorder.log, ["reset 1 trailers_without_end", "closed"]);
    script.send(headers(3, REQUEST, false), headers(3, [":path", "/"], true));
    assert.deepEqual(script.requests[1]?.recorder.log, ["reset 1 pseudo_misplaced", "closed"]);
  });

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

  const refused: [what: string, token: string, frames: Buffer[]][] = [
    ["without :status", "status_missing", [headers(1, ["a", "b"], true)]],
    ["with a :status that is no number", "status", [headers(1, [":status", "ok"], true)]],
    ["with :path", "pseudo_misplaced", [headers(1, [":status", "200", ":path", "/"], true)]],
    ["with te", "te", [headers(1, [...RESPONSE, "te", "trailers"], true)]],
    ["with connection", "connection_field", [headers(1, [...RESPONSE, "connection", "close"], true)]],
    ["with 101", "interim_response", [headers(1, [":status", "101"], false)]],
    ["with an interim response as its end", "interim_response", [headers(1, [":status", "100"], true)]],
    ["with DATA in front of its head", "data_before_headers", [data(1, "x")]],
    [
      "with a content-length and no content",
      "content_length",
      [headers(1, [...RESPONSE, "content-length", "1"], true)],
    ],
  ];
  for (const [what, token, frames] of refused) {
    it(`${what} is reset as malformed`, () => {
      const script = new Script("client");
      const call = script.open();
      script.send(...frames);
      assert.deepEqual(call.log, [`reset 1 ${token}`, "closed"]);
      assert.equal(script.readWords().at(-1), "RST_STREAM 1 code 1");
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
