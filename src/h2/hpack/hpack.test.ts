import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConnectionFault, type HeaderList } from "../h2.ts";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder } from "./encoder.ts";
import { huffmanDecode } from "./huffman.ts";

function decode(decoder: HpackDecoder, block: Buffer): HeaderList {
  const list: HeaderList = [];
  decoder.decode(block, 0, block.length, { field: (name, value) => list.push(name, value) });
  return list;
}

function decodeHex(decoder: HpackDecoder, hex: string): HeaderList {
  return decode(decoder, Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

function encode(encoder: HpackEncoder, list: HeaderList): Buffer {
  const out = Buffer.alloc(HpackEncoder.boundBytes(list));
  return out.subarray(0, encoder.encode(list, out, 0));
}

function hpackFault(token: string): (error: unknown) => boolean {
  return (error) => error instanceof ConnectionFault && error.token === `hpack_${token}` && error.code === 9;
}

describe("HpackDecoder", () => {
  it("decodes the requests of RFC 7541 C.3 and, with Huffman, C.4", () => {
    const blocks: [plain: string, huffman: string, list: HeaderList][] = [
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"],
      ],
      [
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8286 84be 5886 a8eb 1064 9cbf",
        [
          ":method",
          "GET",
          ":scheme",
          "http",
          ":path",
          "/",
          ":authority",
          "www.example.com",
          "cache-control",
          "no-cache",
        ],
      ],
      [
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        [
          ":method",
          "GET",
          ":scheme",
          "https",
          ":path",
          "/index.html",
          ":authority",
          "www.example.com",
          "custom-key",
          "custom-value",
        ],
      ],
    ];
    const [plain, huffman] = [new HpackDecoder(), new HpackDecoder()];
    for (const [plainHex, huffmanHex, list] of blocks) {
      assert.deepEqual(decodeHex(plain, plainHex), list);
      assert.deepEqual(decodeHex(huffman, huffmanHex), list);
    }
  });

  const broken: [what: string, token: string, hex: string][] = [
    ["index 0", "table_index", "80"],
    ["an index behind the tables", "table_index", "be"],
    ["a name index behind the tables", "table_index", "7f00 0161"],
    ["a block that ends in a string", "truncated", "0003 6161"],
    ["a block that ends in an integer", "truncated", "ff"],
    ["a block that ends behind a name", "truncated", "0001 61"],
    ["an integer without end", "integer", "ffff ffff ffff ffff ffff ffff"],
    ["an integer of zeros without end", "integer", "ff80 8080 8080 8080 8080 8080"],
    ["a table size update behind a field", "size_update", "823f e11f"],
    ["a table size above the limit", "table_size", "3fe2 1f"],
    ["Huffman padding of zeros", "huffman", "0001 6181 18"],
    ["Huffman padding of eight ones", "huffman", "0001 6182 1fff"],
    ["EOS in a Huffman string", "huffman", "0001 6184 ffff ffff"],
  ];
  for (const [what, token, hex] of broken) {
    it(`refuses ${what}`, () => assert.throws(() => decodeHex(new HpackDecoder(), hex), hpackFault(token)));
  }

  it("wants to be told when the limit falls below the table's size (RFC 7541 §4.2)", () => {
    const decoder = new HpackDecoder();
    decoder.limit(100);
    assert.throws(() => decodeHex(decoder, "82"), hpackFault("table_size"));
    const told = new HpackDecoder();
    told.limit(100);
    assert.deepEqual(decodeHex(told, "3f45 82"), [":method", "GET"]);
    assert.throws(() => decodeHex(told, "3f46"), hpackFault("table_size"));
  });

  it("evicts the oldest entries, and all for one larger than the table (RFC 7541 §4.4)", () => {
    const decoder = new HpackDecoder();
    decodeHex(decoder, "3f45 4001 6101 62 4001 6301 64 4001 6501 66 4001 6701 68");
    assert.deepEqual(decodeHex(decoder, "be bf"), ["g", "h", "e", "f"]);
    assert.throws(() => decodeHex(decoder, "c1"), hpackFault("table_index"));
    decode(decoder, Buffer.concat([Buffer.from([0x40, 1, 0x61, 100]), Buffer.alloc(100, 0x61)]));
    assert.throws(() => decodeHex(decoder, "be"), hpackFault("table_index"));
  });
});

describe("HpackDecoder, literals that come again", () => {
  it("gives the same as for one that never saw any (fast path equals slow path)", () => {
    // ":path" (4) and "content-length" (28) without indexing, "cookie" (32) never indexed; plain text.
    const literal = fc.tuple(
      fc.constantFrom([0x04], [0x0f, 28 - 15], [0x1f, 32 - 15]),
      fc.constantFrom("/a", "/ab", "5", "", "/a".repeat(40), "/a".repeat(63)),
    );
    fc.assert(
      fc.property(fc.array(literal, { maxLength: 30 }), (literals) => {
        const decoder = new HpackDecoder();
        for (const [name, value] of literals) {
          const block = Buffer.concat([Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
          assert.deepEqual(decode(decoder, block), decode(new HpackDecoder(), block));
        }
      }),
    );
  });

  it("does not take the beginning of a longer literal for the last one", () => {
    const decoder = new HpackDecoder();
    assert.deepEqual(decodeHex(decoder, "0402 2f61"), [":path", "/a"]);
    assert.deepEqual(decodeHex(decoder, "0403 2f61 62"), [":path", "/ab"]);
    assert.throws(() => decodeHex(decoder, "0403 2f61"), hpackFault("truncated"));
  });
});

describe("huffmanDecode", () => {
  it("refuses or decodes any bytes, without reading on", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = huffmanDecode(Buffer.from(bytes), 0, bytes.length);
        assert.ok(text === undefined || text.length <= (bytes.length * 8) / 5);
      }),
    );
  });
});

const FIELD = fc.tuple(
  fc.constantFrom(":path", ":status", "content-type", "grpc-timeout", "authorization", "x-a", "x-b", "x-request-id"),
  fc.oneof(
    fc.constantFrom("", "200", "application/grpc", "v"),
    fc.string({ unit: fc.constantFrom("a", "\xff", "~"), maxLength: 300 }),
  ),
);

describe("HpackEncoder", () => {
  it("is understood by the decoder, whatever it is given and however the table's size changes", () => {
    const step = fc.record({
      list: fc.array(FIELD, { maxLength: 20 }),
      offers: fc.array(fc.nat(5_000), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(6_000), (steps, ownMaxBytes) => {
        const [encoder, decoder] = [new HpackEncoder(ownMaxBytes), new HpackDecoder()];
        decoder.limit(6_000);
        for (const { list, offers } of steps) {
          for (const offer of offers) encoder.offer(offer);
          assert.deepEqual(decode(decoder, encode(encoder, list.flat())), list.flat());
        }
      }),
    );
  });

  it("writes a common list as it writes any other, whatever comes before and between (fast path equals slow path)", () => {
    const step = fc.record({ list: fc.array(FIELD, { maxLength: 6 }), offer: fc.option(fc.nat(5_000), { freq: 5 }) });
    fc.assert(
      fc.property(fc.array(FIELD, { maxLength: 8 }), fc.array(step, { maxLength: 40 }), (fields, steps) => {
        const common = fields.flat();
        const [fast, slow, decoder] = [new HpackEncoder(4096), new HpackEncoder(4096), new HpackDecoder()];
        decoder.limit(4096);
        const out = Buffer.alloc(64 * 1024);
        for (const { list, offer } of steps) {
          for (const encoder of [fast, slow]) if (offer !== null) encoder.offer(offer);
          const headers = list.flat();
          const end = fast.encodeCommon(common, out, fast.encode(headers, out, 0));
          const block = Buffer.from(out.subarray(0, end));
          assert.deepEqual(decode(decoder, block), [...headers, ...common]);
          assert.equal(block.toString("hex"), encode(slow, [...headers, ...common]).toString("hex"));
        }
      }),
    );
  });

  it("refers to a name by its entry used last, after a common list whose bytes were copied too", () => {
    const [fast, slow] = [new HpackEncoder(4096), new HpackEncoder(4096)];
    const common = ["x-a", "", "x-a", "v"];
    const out = Buffer.alloc(1_024);
    for (const headers of [[], [], [], ["x-a", ""], ["x-a", "w"]]) {
      const block = out.subarray(0, fast.encodeCommon(common, out, fast.encode(headers, out, 0)));
      assert.equal(block.toString("hex"), encode(slow, [...headers, ...common]).toString("hex"));
    }
  });

  it("indexes a value when it comes a second time, and then writes one byte for it", () => {
    const encoder = new HpackEncoder(4096);
    const sizes = [1, 2, 3, 4].map(() => encode(encoder, [":path", "/helloworld.Greeter/SayHello"]).length);
    assert.deepEqual(sizes, [30, 30, 1, 1]);
  });

  it("keeps the table still where values keep changing: one entry for the name, then literals", () => {
    const encoder = new HpackEncoder(4096);
    for (const name of ["x-changing", "grpc-timeout", "traceparent", "x-fc-request-id"]) {
      const blocks = [...Array(300).keys()].map((count) => encode(encoder, [name, String(count + 1_000)]));
      const indexed = blocks.filter((block) => (block[0] ?? 0) >= 0x40);
      assert.equal(indexed.length, 1, `${name} is indexed once`);
      assert.ok((blocks.at(-1)?.length ?? 0) <= 2 + 1 + 4, `${name} is not spelled out any more`);
    }
  });

  it("does not index a value of a name that is known to differ, however often it comes", () => {
    const encoder = new HpackEncoder(4096);
    for (let count = 0; count < 10; count++) encode(encoder, ["grpc-timeout", `${count}S`]);
    for (let count = 0; count < 10; count++) assert.ok(encode(encoder, ["grpc-timeout", "20S"]).length > 1);
  });

  it("never indexes credentials (RFC 7541 §7.1.3)", () => {
    const encoder = new HpackEncoder(4096);
    const names = [
      "authorization",
      "cookie",
      "x-fc-access-key-secret",
      "x-fc-security-token",
      "x-api-key",
      "db-password",
    ];
    for (const name of names) {
      for (let count = 0; count < 3; count++) {
        assert.equal(encode(encoder, [name, "secret"])[0]! & 0xf0, 0x10, name);
      }
    }
  });

  it("evicts nothing that is in use from a full table, and what is not in use after a while", () => {
    const encoder = new HpackEncoder(148);
    const send = (value: string): number => encode(encoder, ["x-a", value]).length;
    const four = ["v1", "v2", "v3", "v4"];
    for (let count = 0; count < 3; count++) four.map(send);
    assert.deepEqual(four.map(send), [1, 1, 1, 1]);
    for (let count = 0; count < 10; count++) assert.notEqual(send("v5"), 1);
    assert.equal(send("v1"), 1);
    for (let count = 0; count < 200; count++) send("v2");
    for (let count = 0; count < 3; count++) send("v5");
    assert.deepEqual(["v2", "v5"].map(send), [1, 1]);
    assert.equal(["v1", "v3", "v4"].map(send).filter((size) => size === 1).length, 2, "the oldest made room");
  });

  it("announces the smallest and the last table size in front of the next block (RFC 7541 §4.2)", () => {
    const encoder = new HpackEncoder(4096);
    encoder.offer(0);
    encoder.offer(64);
    assert.equal(encode(encoder, [":method", "GET"]).toString("hex"), "203f2182");
    assert.equal(encode(encoder, [":method", "GET"]).toString("hex"), "82");
    assert.equal(encode(new HpackEncoder(0), [":method", "GET"]).toString("hex"), "2082");
  });

  it("forgets names when there are too many, and stays right", () => {
    const [encoder, decoder] = [new HpackEncoder(4096), new HpackDecoder()];
    for (let count = 0; count < 1_000; count++) {
      const list = [`x-${count}`, "a", "x-same", "b", `x-${count >> 2}`, "a"];
      assert.deepEqual(decode(decoder, encode(encoder, list)), list);
    }
  });
});
