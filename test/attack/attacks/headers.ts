/** Header blocks: endless, swollen by the table, malformed. */
import { Flag, FrameType } from "../../../src/h2/frames.ts";
import { data, frame, plainBlock } from "../../../src/h2/testing/script.ts";
import type { Attack } from "../support/attack.ts";
import { type Attacker, EMPTY_MESSAGE, headersOf } from "../support/attacker.ts";
import { FIRST_DYNAMIC_INDEX, indexed, remembered, repeated, tableSize } from "../support/hpack-writer.ts";

/** Settings of an attacker that wants nothing sent: INITIAL_WINDOW_SIZE 0. */
const ZERO_WINDOW: readonly [number, number][] = [[4, 0]];

/** A head with `times` references to one field, a byte each; the field enters the table with the first head. */
function swollen(attacker: Attacker, first: boolean, name: string, value: string, times: number): Buffer {
  const field = first ? remembered(name, value) : indexed(FIRST_DYNAMIC_INDEX);
  return Buffer.concat([attacker.block("Bidi"), field, repeated(indexed(FIRST_DYNAMIC_INDEX), times - 1)]);
}

/** `count` heads as `swollen` makes them, each opening a stream. */
function swollenStreams(attacker: Attacker, count: number, name: string, value: string, times: number): Promise<void> {
  return attacker.flood(count, (index) =>
    headersOf(attacker.nextStream(), swollen(attacker, index === 0, name, value, times), Flag.END_HEADERS),
  );
}

export const headerAttacks: readonly Attack[] = [
  {
    name: "CONTINUATION flood",
    source: "CVE-2024-27316, CVE-2023-45288",
    limits: ["continuationFramesMax"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "continuation_flood" },
    async play(attacker) {
      const id = attacker.nextStream();
      attacker.send(headersOf(id, attacker.block("Unary"), 0));
      const field = plainBlock(["x", "y"]);
      await attacker.flood(100_000, () => frame(FrameType.CONTINUATION, 0, id, field));
    },
  },
  {
    name: "a header block of large CONTINUATION frames",
    source: "CVE-2024-28182",
    limits: ["headerBlockMaxBytes"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "header_block_size" },
    async play(attacker) {
      const id = attacker.nextStream();
      attacker.send(headersOf(id, attacker.block("Unary"), 0));
      await attacker.flood(100, () => frame(FrameType.CONTINUATION, 0, id, Buffer.alloc(16 * 1024)));
    },
  },
  {
    name: "HPACK bomb",
    source: "CVE-2016-6581",
    limits: ["headerListMaxBytes"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "header_list_flood" },
    play: (attacker) => swollenStreams(attacker, 1000, "x-bomb", "b".repeat(3900), 400),
  },
  {
    name: "HPACK bomb just over the limit",
    source: "CVE-2016-6581",
    limits: ["headerListMaxBytes"],
    end: { by: "status", status: 8, token: "HeadersTooLarge" },
    play: (attacker) => swollenStreams(attacker, 1000, "x-bomb", "b".repeat(3900), 20),
  },
  {
    name: "HTTP/2 bomb: cookie crumbs of a byte",
    source: "CVE-2026-49975, CVE-2026-47774",
    limits: ["headerFieldsMax"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "header_list_flood" },
    settings: ZERO_WINDOW,
    play: (attacker) => swollenStreams(attacker, 1000, "cookie", "a", 4000),
  },
  {
    name: "HTTP/2 bomb just over the limit",
    source: "CVE-2026-49975, CVE-2026-47774",
    limits: ["headerFieldsMax"],
    end: { by: "status", status: 8, token: "HeadersTooLarge" },
    settings: ZERO_WINDOW,
    play: (attacker) => swollenStreams(attacker, 1000, "cookie", "a", 300),
  },
  {
    name: "HTTP/2 bomb below the limit, pinned by a zero window",
    source: "CVE-2026-49975, CVE-2026-47774",
    limits: ["headerFieldsMax", "concurrentStreamsMax"],
    end: { by: "nothing" },
    settings: ZERO_WINDOW,
    memoryMaxMib: 64,
    play: (attacker) => swollenStreams(attacker, 1000, "cookie", "a", 118),
  },
  {
    name: "table size updates without end",
    source: "RFC 7541 §4.2",
    limits: ["headerBlockMaxBytes"],
    end: { by: "nothing" },
    async play(attacker) {
      const churn = repeated(Buffer.concat([tableSize(0), tableSize(4096)]), 3000);
      await attacker.flood(200, () => {
        const id = attacker.nextStream();
        const head = headersOf(id, Buffer.concat([churn, attacker.block("Unary")]), Flag.END_HEADERS);
        return Buffer.concat([head, data(id, EMPTY_MESSAGE, true)]);
      });
    },
  },
  {
    name: "a reference to nothing in the table",
    source: "RFC 7541 §2.3.3",
    limits: [],
    end: { by: "goaway", code: "COMPRESSION_ERROR", token: "hpack_table_index" },
    play: (attacker) => void attacker.send(headersOf(attacker.nextStream(), indexed(100))),
  },
  {
    name: "empty field names",
    source: "CVE-2019-9516",
    limits: [],
    end: { by: "reset", code: "PROTOCOL_ERROR", token: "field_name" },
    play: (attacker) =>
      attacker.flood(500, () => headersOf(attacker.nextStream(), attacker.block("Unary", ["", "value"]))),
  },
  {
    name: "empty field names without end",
    source: "CVE-2019-9516",
    limits: ["resetsBurst", "resetsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "reset_flood" },
    play: (attacker) =>
      attacker.flood(20_000, () => headersOf(attacker.nextStream(), attacker.block("Unary", ["", "value"]))),
  },
  {
    name: "a path without its first slash",
    source: "CVE-2026-33186",
    limits: [],
    end: { by: "reset", code: "PROTOCOL_ERROR", token: "path" },
    play(attacker) {
      const head = attacker.head("Unary").map((text) => (text === "/test.Echo/Unary" ? "test.Echo/Unary" : text));
      attacker.send(headersOf(attacker.nextStream(), plainBlock(head)));
    },
  },
  {
    name: "a path with a space and another request behind it",
    source: "request smuggling",
    limits: [],
    end: { by: "reset", code: "PROTOCOL_ERROR", token: "field_value" },
    play(attacker) {
      const smuggled = "/test.Echo/Unary HTTP/1.1\r\nhost: other";
      const head = attacker.head("Unary").map((text) => (text === "/test.Echo/Unary" ? smuggled : text));
      attacker.send(headersOf(attacker.nextStream(), plainBlock(head)));
    },
  },
];
