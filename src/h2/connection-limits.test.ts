import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flag, FrameType, PREFACE } from "./frames.ts";
import { connectionOptions, ErrorCode, type HeaderList, UsageError } from "./h2.ts";
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
  settings,
  windowUpdate,
} from "./testing/script.ts";

const PING = frame(FrameType.PING, 0, 0, Buffer.alloc(8));
const { ENHANCE_YOUR_CALM } = ErrorCode;

function assertFlood(script: Script, token: string): void {
  assert.equal(script.end.fault?.token, token);
  assert.equal(script.end.fault?.code, ENHANCE_YOUR_CALM);
}

/** How many frames pass, made one by one, before the connection ends with ENHANCE_YOUR_CALM and this token. */
function framesUntil(token: string, script: Script, make: (number: number) => Buffer[], attempts = 5_000): number {
  for (let count = 0; count < attempts; count++) {
    script.send(...make(count));
    script.read();
    if (script.end.log.at(-1)?.startsWith("closed")) {
      assertFlood(script, token);
      return count;
    }
  }
  return Number.POSITIVE_INFINITY;
}

function fields(count: number, valueBytes = 1): HeaderList {
  return [...Array(count).keys()].flatMap((at) => [`x-${at}`, "v".repeat(valueBytes)]);
}

describe("the limits of a header list", () => {
  it("headerFieldsMax: an oversized request is handed over with what fitted, and may be answered", () => {
    const script = new Script("server");
    script.send(headers(1, [...REQUEST, ...fields(124)], true), headers(3, [...REQUEST, ...fields(125)], true));
    const [fits, over] = script.requests;
    assert.equal(fits?.oversized, false);
    assert.equal(over?.oversized, true);
    assert.deepEqual(over?.head.slice(0, 8), REQUEST);
    assert.equal(over?.head.length, 256);
    over?.stream.headers([":status", "431"], true);
    assert.deepEqual(script.readWords(), ["HEADERS 3 :status 431 end"]);
  });

  it("headerListMaxBytes counts 32 bytes a field", () => {
    const script = new Script("server", { headerListMaxBytes: 1024 });
    const usedBytes = REQUEST.join("").length + 32 * 4;
    const room = 1024 - usedBytes - 32 - 1;
    script.send(headers(1, [...REQUEST, "a", "v".repeat(room)], true));
    script.send(headers(3, [...REQUEST, "a", "v".repeat(room + 1)], true));
    assert.deepEqual(
      script.requests.map(({ oversized }) => oversized),
      [false, true],
    );
  });

  it("a list four times over a limit ends the connection, also where a few bytes stand for it (HPACK bomb)", () => {
    assertFlood(new Script("server").send(headers(1, fields(513), true)), "header_list_flood");
    const script = new Script("server");
    const entry = Buffer.concat([Buffer.from([0x40]), plainBlock(["bomb", "b".repeat(3000)]).subarray(1)]);
    script.send(frame(FrameType.HEADERS, 5, 1, Buffer.concat([plainBlock(REQUEST), entry, Buffer.alloc(100, 0xbe)])));
    assertFlood(script, "header_list_flood");
  });

  it("continuationFramesMax", () => {
    const script = new Script("server").send(frame(FrameType.HEADERS, 0, 1, plainBlock(REQUEST)));
    const more = (count: number): Buffer => frame(FrameType.CONTINUATION, 0, 1, plainBlock([`x-${count}`, "a"]));
    assert.equal(
      framesUntil("continuation_flood", script, (count) => [more(count)]),
      8,
    );
  });

  it("headerBlockMaxBytes", () => {
    const script = new Script("server", { headerBlockMaxBytes: 20_000 });
    script.send(
      frame(FrameType.HEADERS, 0, 1, Buffer.alloc(16_000)),
      frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(4_001)),
    );
    assertFlood(script, "header_block_size");
  });

  it("headerBlockTimeoutMs, of a block that began before the first tick", () => {
    const script = new Script("server");
    script.send(frame(FrameType.HEADERS, 0, 1));
    script.connection.tick(1_000_000);
    script.connection.tick(1_001_000);
    script.connection.tick(1_011_000);
    assert.equal(script.end.fault, undefined);
    script.connection.tick(1_012_000);
    assertFlood(script, "header_block_timeout");
  });

  it("headerBlockTimeoutMs", () => {
    const script = new Script("server");
    script.connection.tick(0);
    script.connection.tick(1_000);
    script.send(frame(FrameType.HEADERS, 0, 1));
    script.connection.tick(11_000);
    assert.equal(script.end.fault, undefined);
    script.connection.tick(12_000);
    assertFlood(script, "header_block_timeout");
  });
});

describe("the limits of a connection", () => {
  it("firstSettingsTimeoutMs: server role", () => {
    const script = new Script("server", {}, false);
    script.connection.tick(5_000);
    script.connection.tick(15_000);
    assert.equal(script.end.log.length, 0);
    script.connection.tick(16_000);
    assert.deepEqual(script.end.log, ["closed first_settings_timeout"]);
    assert.equal(script.end.fault?.code, ErrorCode.SETTINGS_TIMEOUT);
  });

  it("settingsAckTimeoutMs: server role", () => {
    const script = new Script("server", {}, false).send(PREFACE, settings());
    script.connection.tick(1_000);
    script.connection.tick(31_000);
    assert.deepEqual(script.end.log, ["settings"]);
    script.connection.tick(32_000);
    assert.equal(script.end.fault?.token, "settings_ack_timeout");
  });

  it("concurrentStreamsMax: REFUSED_STREAM a hundred times, then the end", () => {
    const script = new Script("server", { concurrentStreamsMax: 1 }).send(headers(1, REQUEST, false));
    script.send(headers(3, REQUEST, true));
    assert.deepEqual(script.readWords(), ["RST_STREAM 3 code 7"]);
    assert.equal(
      framesUntil("refused_streams", script, (count) => [headers(5 + count * 2, REQUEST, true)]),
      99,
    );
  });

  it("settingsEntriesMax", () => {
    const entries = (count: number): [number, number][] => Array(count).fill([3, 100]);
    const script = new Script("server").send(settings(...entries(32)));
    assert.equal(script.end.log.at(-1), "settings");
    assertFlood(script.send(settings(...entries(33))), "settings_entries");
  });

  it("queuedRepliesMax: a peer that asks and does not read", () => {
    const script = new Script("server", { queuedRepliesMax: 50 });
    script.end.transport.takesMore = false;
    script.send(PING);
    script.read();
    assert.equal(
      framesUntil("queued_replies", script, () => [PING]),
      50,
    );
    assert.equal(script.end.transport.closed, "hard");
  });

  it("resetStreamsRemembered: late frames of older ones end the connection", () => {
    const script = new Script("server", { resetStreamsRemembered: 10 });
    for (let id = 1; id <= 21; id += 2) script.send(headers(id, REQUEST, false));
    for (const { stream } of script.requests) stream.reset(ErrorCode.CANCEL);
    script.send(data(3, "a"));
    assert.deepEqual(script.end.log, []);
    script.send(data(1, "a"));
    assert.equal(script.end.fault?.token, "data_on_closed_stream");
  });

  it("writeBufferMaxBytes: DATA beyond it waits for the socket", () => {
    const script = new Script("server", { writeBufferMaxBytes: 16_384 });
    script.send(settings([4, 1 << 20]), windowUpdate(0, 1 << 20), headers(1, REQUEST, true));
    const { stream, recorder } = script.requests[0]!;
    stream.headers(RESPONSE, false);
    script.read();
    script.end.transport.takesMore = false;
    for (let count = 0; count < 20; count++) stream.data(Buffer.alloc(2_000), false);
    assert.ok(recorder.sentBytes <= 16_384);
    script.read();
    assert.ok(recorder.sentBytes <= 2 * 16_384 && recorder.sentBytes > 16_384);
  });
});

describe("the budgets", () => {
  it("rapid reset (CVE-2023-44487): a thousand, then 33 a second, and one for each stream that ends well", () => {
    const script = new Script("server");
    let id = -1;
    const cancelled = (): Buffer[] => {
      id += 2;
      return [headers(id, REQUEST, true), reset(id, 8)];
    };
    for (let count = 0; count < 1_000; count++) script.send(...cancelled());
    assert.equal(script.end.fault, undefined);
    for (let count = 0; count < 100; count++) {
      id += 2;
      script.send(headers(id, REQUEST, true));
      script.requests.at(-1)?.stream.headers(RESPONSE, true);
    }
    for (let count = 0; count < 100; count++) script.send(...cancelled());
    script.connection.tick(0);
    script.connection.tick(2_000);
    assert.equal(framesUntil("reset_flood", script, cancelled), 66);
  });

  it("a client may reset any number of streams that were answered, or are not young any more", () => {
    const script = new Script("server");
    for (let id = 1; id < 6_000; id += 2) {
      script.send(headers(id, REQUEST, true));
      script.requests.at(-1)?.stream.headers(RESPONSE, false);
      script.send(reset(id, 8));
    }
    for (let round = 0; round < 5; round++) {
      const first = 6_001 + round * 2_000;
      for (let id = first; id < first + 2_000; id += 2) script.send(headers(id, REQUEST, true));
      for (let seconds = 0; seconds < 3; seconds++) script.connection.tick((round * 3 + seconds) * 1_000);
      for (let id = first; id < first + 2_000; id += 2) script.send(reset(id, 8));
    }
    assert.deepEqual(script.end.log, []);
  });

  it("resets that the peer provokes (CVE-2025-8671) count as its own", () => {
    const script = new Script("server");
    const malformed = (count: number): Buffer[] => [headers(1 + count * 2, ["A", "b"], true)];
    assert.equal(framesUntil("reset_flood", script, malformed), 1_000);
  });

  it("a server may reset as many streams as we open", () => {
    const script = new Script("client");
    for (let count = 0; count < 3_000; count++) {
      script.open(REQUEST, true);
      script.send(reset(1 + count * 2, 8));
    }
    assert.equal(script.end.fault, undefined);
  });

  const floods: [what: string, token: string, passes: number, make: (count: number) => Buffer[]][] = [
    ["PING", "too_many_pings", 1_000, () => [PING]],
    ["SETTINGS", "settings_flood", 19, () => [settings([3, 1])]],
    ["GOAWAY", "settings_flood", 19, () => [goAway(0, 0)]],
    ["WINDOW_UPDATE", "window_update_flood", 1_000, () => [windowUpdate(0, 1)]],
    ["PRIORITY", "ignored_frames", 1_000, () => [frame(FrameType.PRIORITY, 0, 9, Buffer.alloc(5))]],
    ["unknown frames", "ignored_frames", 1_000, () => [frame(99, 0, 0)]],
    ["SETTINGS ACK", "ignored_frames", 1_000, () => [frame(FrameType.SETTINGS, Flag.ACK, 0)]],
    ["empty HEADERS", "empty_frames", 100, (count) => [frame(FrameType.HEADERS, 5, 1 + count * 2)]],
  ];
  for (const [what, token, passes, make] of floods) {
    it(`${what}: ${passes} pass, and time refills`, () => {
      const script = new Script("server");
      assert.equal(framesUntil(token, script, make), passes);
      const slow = new Script("server");
      for (let count = 0; count < 2 * passes; count++) {
        slow.send(...make(count));
        slow.connection.tick(count * 1_000);
        slow.read();
      }
      assert.equal(slow.end.fault, undefined);
    });
  }

  it("empty DATA: a hundred, and each DATA with content pays for one", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    for (let count = 0; count < 1_000; count++) script.send(data(1, ""), data(1, "hello"));
    assert.equal(
      framesUntil("empty_frames", script, () => [data(1, "")]),
      100,
    );
  });

  it("crumbs of DATA: ten thousand, each frame of a message's size pays for one, and honest small messages are free", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    for (let count = 0; count < 30_000; count++) script.send(data(1, "12345"));
    for (let count = 0; count < 1_000; count++) script.send(data(1, "1"), data(1, "12345"));
    assert.equal(script.end.fault, undefined);
    assert.equal(
      framesUntil("data_crumbs", script, () => [data(1, "1")], 20_000),
      10_000,
    );
  });

  it("a stalled stream says for how long, and its end can pass what waits", () => {
    const script = new Script("server", {}).send(headers(1, REQUEST, true));
    const { stream } = script.requests[0]!;
    stream.headers(RESPONSE, false);
    assert.equal(stream.stalledPeriods, -1);
    stream.data(Buffer.alloc(65_535), false);
    stream.data(Buffer.alloc(1_000), false);
    script.read();
    for (let seconds = 0; seconds <= 600; seconds++) script.connection.tick(seconds * 1_000);
    assert.equal(stream.stalledPeriods, 600);
    assert.equal(script.end.fault, undefined, "ten minutes without a byte taken end nothing by themselves");
    stream.dropQueued();
    stream.trailers(["grpc-status", "8"]);
    assert.deepEqual(script.readWords(), ["HEADERS 1 grpc-status 8 end"]);
  });

  it("DATA that we send pays for the PING and the WINDOW_UPDATE frames that answer it", () => {
    const script = new Script("server").send(headers(1, REQUEST, false));
    const { stream } = script.requests[0]!;
    stream.headers(RESPONSE, false);
    for (let count = 0; count < 5_000; count++) {
      stream.data(Buffer.from("hello"), false);
      script.send(windowUpdate(1, 5), windowUpdate(0, 5), PING);
      script.read();
    }
    assert.equal(script.end.fault, undefined);
  });
});

describe("connectionOptions", () => {
  it("fills in defaults, takes what is in range, and refuses the rest", () => {
    assert.equal(connectionOptions({}).headerFieldsMax, 128);
    assert.equal(connectionOptions({ headerFieldsMax: 200 }).headerFieldsMax, 200);
    assert.throws(() => connectionOptions({ headerFieldsMax: 0 }), UsageError);
    assert.throws(() => connectionOptions({ headerFieldsMax: 9.5 }), UsageError);
    assert.throws(() => connectionOptions({ headerFieldMax: 9 } as object), /there is no h2 option headerFieldMax/);
    assert.throws(() => connectionOptions({ streamWindowBytes: 5 << 20 }), UsageError);
  });

  it("announces what differs from the RFC's initial values", () => {
    const [first] = new Script("server", { frameSizeMaxBytes: 20_000, decoderTableMaxBytes: 0 }, false).read();
    assert.equal(first?.type, "SETTINGS");
    assert.equal((first?.flags ?? 1) & Flag.ACK, 0);
    assert.equal(first?.payload.toString("hex"), "0004000400000006000100000003000003e800010000000000" + "0500004e20");
  });
});
