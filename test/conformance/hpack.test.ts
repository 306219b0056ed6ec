/**
 * HPACK against others' stories and coders. Our encoder's blocks are read by our own decoder, by nghttp2's (through
 * test/fixtures/python/nghttp2_hpack.py) and, on a connection, by the one in Node.js; nghttp2's blocks are read by ours.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import http2 from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { Connection, connectionOptions, type HeaderList } from "../../src/h2/h2.ts";
import { HpackDecoder } from "../../src/h2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/h2/hpack/encoder.ts";
import { join as joinSocket } from "../../src/h2/testing/echo-server.ts";
import { REQUEST, Recorder } from "../../src/h2/testing/script.ts";
import { missingPart } from "../support/clients.ts";

const root = join(import.meta.dirname, "../..");
const STORIES = join(root, "../shared/data/hpack-test-case");
const ORACLE = join(root, "test/fixtures/python/nghttp2_hpack.py");

const storiesMissing = missingPart(existsSync(STORIES) ? undefined : "the stories of hpack-test-case are not here");
const nghttp2Missing = missingPart(
  spawnSync("python3", [ORACLE]).status === 0 ? undefined : "python3 with libnghttp2.so.14 (Debian: libnghttp2-14)",
);

interface Story {
  readonly path: string;
  readonly cases: readonly {
    readonly wire: string;
    readonly header_table_size?: number;
    readonly headers: readonly Readonly<Record<string, string>>[];
  }[];
}

function listOf(headers: Story["cases"][number]["headers"]): HeaderList {
  return headers.flatMap((field) => Object.entries(field).flat());
}

const stories: readonly Story[] = storiesMissing
  ? []
  : readdirSync(STORIES, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".json"))
      .map((path) => ({ path, ...JSON.parse(readFileSync(join(STORIES, path), "utf8")) }));

function decode(decoder: HpackDecoder, block: Buffer): HeaderList {
  const list: HeaderList = [];
  decoder.decode(block, 0, block.length, { field: (name, value) => list.push(name, value) });
  return list;
}

function encode(encoder: HpackEncoder, list: HeaderList): Buffer {
  const out = Buffer.alloc(HpackEncoder.boundBytes(list));
  return out.subarray(0, encoder.encode(list, out, 0));
}

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");
const text = (digits: string): string => Buffer.from(digits, "hex").toString("latin1");

/** A block's fields as nghttp2 gives them. */
type Inflated = readonly (readonly [name: string, value: string, neverIndexed: boolean])[];

/** nghttp2's coders, in a process of their own. */
class Nghttp2 {
  readonly #process = spawn("python3", [ORACLE], { stdio: ["pipe", "pipe", "inherit"] });
  readonly #lines = createInterface({ input: this.#process.stdout });

  /** The fields of each block; `limits`: table sizes that its decoder allows from then on. */
  inflate(steps: readonly { readonly limits: readonly number[]; readonly block: Buffer }[]): Promise<Inflated[]> {
    return this.#ask(
      "inflate",
      steps.map(({ limits, block }) => [limits, block.toString("hex")]),
    );
  }

  /** The block of each list; `limits`: table sizes that its encoder is offered from then on. */
  async deflate(
    steps: readonly { readonly limits: readonly number[]; readonly list: HeaderList }[],
  ): Promise<Buffer[]> {
    const fields = steps.map(({ limits, list }) => [limits, pairsOf(list).map((pair) => pair.map(hex))]);
    return (await this.#ask<string>("deflate", fields)).map((block) => Buffer.from(block, "hex"));
  }

  close(): void {
    this.#process.stdin.end();
  }

  async #ask<T>(kind: string, steps: unknown): Promise<T[]> {
    this.#process.stdin.write(`${JSON.stringify({ kind, steps })}\n`);
    const [line] = await once(this.#lines, "line");
    const answer = JSON.parse(line);
    assert.equal(answer.error, undefined, `nghttp2 refuses step ${answer.at} with ${answer.error}`);
    return answer;
  }
}

function pairsOf(list: HeaderList): [name: string, value: string][] {
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1]!] as [string, string]] : []));
}

/** Names of every policy of the encoder, and values that repeat, change, are long, or have any byte. */
const FIELD = fc.tuple(
  fc.oneof(
    fc.constantFrom(":path", ":authority", "content-type", "grpc-timeout", "traceparent", "x-request-id", "x-a", "x-b"),
    fc.constantFrom("authorization", "cookie", "x-api-key"),
    fc.integer({ min: 0, max: 300 }).map((number) => `x-${number}`),
  ),
  fc.oneof(
    fc.constantFrom("", "200", "application/grpc", "v", "x".repeat(200)),
    fc.string({ unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 150 }),
  ),
);
const LIST = fc.array(FIELD, { maxLength: 20, size: "max" }).map((fields) => fields.flat());
const CREDENTIALS = new Set(["authorization", "cookie", "x-api-key"]);

describe("hpack-test-case", { skip: storiesMissing }, () => {
  it("is decoded, story for story, and encoded again: our encoder's blocks say the same", () => {
    let cases = 0;
    for (const story of stories) {
      const [decoder, encoder, reader] = [new HpackDecoder(), new HpackEncoder(4096), new HpackDecoder()];
      for (const { wire, headers, header_table_size: tableBytes } of story.cases) {
        if (tableBytes !== undefined) decoder.limit(tableBytes);
        const list = listOf(headers);
        assert.deepEqual(decode(decoder, Buffer.from(wire, "hex")), list, story.path);
        if (tableBytes !== undefined) encoder.offer(tableBytes);
        assert.deepEqual(decode(reader, encode(encoder, list)), list, story.path);
        cases++;
      }
    }
    assert.ok(stories.length >= 100 && cases >= 1_000, `${stories.length} stories with ${cases} cases`);
  });
});

describe("nghttp2", { skip: nghttp2Missing }, () => {
  let nghttp2: Nghttp2;
  before(() => {
    nghttp2 = new Nghttp2();
  });
  after(() => nghttp2?.close());

  it("reads every story as our encoder writes it", { skip: storiesMissing }, async () => {
    for (const story of stories) {
      const encoder = new HpackEncoder(4096);
      const lists = story.cases.map(({ headers }) => listOf(headers));
      const blocks = await nghttp2.inflate(lists.map((list) => ({ limits: [], block: encode(encoder, list) })));
      const read = blocks.map((fields) => fields.flatMap(([name, value]) => [text(name), text(value)]));
      assert.deepEqual(read, lists, story.path);
    }
  });

  it("reads whatever our encoder writes, with any table sizes, and credentials as never indexed", async () => {
    const step = fc.record({ list: LIST, limits: fc.array(fc.nat(10_000), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), fc.nat(8_192), async (steps, ownMaxBytes) => {
        const encoder = new HpackEncoder(ownMaxBytes);
        const blocks = steps.map(({ list, limits }) => {
          for (const limit of limits) encoder.offer(limit);
          return { limits, block: encode(encoder, list) };
        });
        for (const [at, fields] of (await nghttp2.inflate(blocks)).entries()) {
          const { list } = steps[at]!;
          assert.deepEqual(
            fields.map(([name, value]) => [text(name), text(value)]),
            pairsOf(list),
          );
          const never = fields.filter(([, , neverIndexed]) => neverIndexed).map(([name]) => text(name));
          assert.deepEqual(
            never,
            pairsOf(list)
              .map(([name]) => name)
              .filter((name) => CREDENTIALS.has(name)),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is read by our decoder, whatever it writes, Huffman and table sizes included", async () => {
    const step = fc.record({ list: LIST, limits: fc.array(fc.nat(10_000), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
        const decoder = new HpackDecoder();
        for (const [at, block] of (await nghttp2.deflate(steps)).entries()) {
          const { list, limits } = steps[at]!;
          for (const limit of limits) decoder.limit(limit);
          assert.deepEqual(decode(decoder, block), list);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("node:http2", () => {
  // Field values of any byte are not HTTP to Node.js.
  const field = fc.tuple(
    fc.constantFrom("x-a", "x-b", "x-c", "grpc-timeout", "traceparent", "x-request-id", "x-api-key", "x-secret"),
    fc.oneof(
      fc.constantFrom("", "v", "application/grpc", "x".repeat(200)),
      fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
    ),
  );
  const step = fc.record({
    list: fc.array(field, { maxLength: 20, size: "max" }).map((fields) => fields.flat()),
    tableBytes: fc.option(fc.nat(10_000), { nil: undefined, freq: 3 }),
  });
  type Step = { readonly list: HeaderList; readonly tableBytes: number | undefined };

  /** The header lists that node:http2 reads of our client's requests. */
  async function readByNode(steps: readonly Step[], encoderTableMaxBytes: number): Promise<HeaderList[]> {
    const lists: HeaderList[] = [];
    const server = http2.createServer();
    server.on("stream", (stream, _headers, _flags, raw: string[]) => {
      lists.push([...raw]);
      stream.on("error", () => {});
      stream.respond({ ":status": 204 }, { endStream: true });
    });
    server.listen(0, "127.0.0.1");
    const opened = once(server, "session") as Promise<[http2.ServerHttp2Session]>;
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    // No time passes here, and every change is a SETTINGS frame.
    const options = connectionOptions({ encoderTableMaxBytes, settingsBurst: 1_000 });
    const connection = joinSocket(socket, (transport) => new Connection("client", options, transport, noEvents));
    const [session] = await opened;
    session.on("error", () => {});
    for (const { list, tableBytes } of steps) {
      if (tableBytes !== undefined) session.settings({ headerTableSize: tableBytes });
      const answer = new Answer();
      connection.request([...REQUEST, ...list], true, answer);
      await answer.ended.promise;
      if (!answer.log[0]?.startsWith("headers :status 204")) break;
    }
    connection.destroy();
    session.destroy();
    server.close();
    await once(server, "close");
    return lists;
  }

  it("reads whatever our client's encoder writes on a connection, while its table size changes", async () => {
    const steps = fc.array(step, { maxLength: 30, size: "max" });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(8_192), async (given, encoderTableMaxBytes) => {
        const wanted = given.map(({ list }) => [...REQUEST, ...list]);
        assert.deepEqual(await readByNode(given, encoderTableMaxBytes), wanted);
      }),
      { numRuns: 60 },
    );
  });
});

const none = (): never => assert.fail("a client gets no requests");
const noEvents = { request: none, oversizedRequest: none, settings: () => {}, goAway: () => {}, closed: () => {} };

class Answer extends Recorder {
  readonly ended = Promise.withResolvers<void>();
  override closed(): void {
    super.closed();
    this.ended.resolve();
  }
}
