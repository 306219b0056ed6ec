import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { asApiError } from "../api-error.ts";
import { CodePackages } from "../code/code-packages.ts";
import { crc64 } from "../code/crc64.ts";
import { type BodyKind, BodyReader, type ReadBody } from "./body-reader.ts";

interface Sent {
  readonly kind: BodyKind;
  readonly chunks: readonly (string | Buffer)[];
  readonly headers?: Record<string, string>;
  /** Default: that of the chunks. */
  readonly sha256?: string;
  /** Hangs up after the chunks instead of ending the body. */
  readonly breaksOff?: boolean;
}

interface Bench {
  readonly dir: string;
  /** Code of the refusal, else `ok`; `look` sees the body before it is disposed of. */
  send(sent: Sent, look?: (body: ReadBody) => Promise<void>): Promise<string>;
}

/** A server whose requests are read by one BodyReader. */
async function withReader(
  work: (bench: Bench) => Promise<void>,
  limits: [inMemoryMaxBytes?: number, zipsAtOnceMax?: number] = [],
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-bodies-"));
  const reader = new BodyReader(await CodePackages.open(dir), ...limits);
  let reading: { sent: Sent; sha256: string; look: ((body: ReadBody) => Promise<void>) | undefined };
  let ended = Promise.withResolvers<string>();
  const server = createServer((incoming, outgoing) => {
    const { sent, sha256, look } = reading;
    const { resolve } = ended;
    void (async () => {
      try {
        {
          await using body = await reader.read(
            { incoming, outgoing },
            { kind: sent.kind, signed: { bodySha256: sha256 } },
          );
          await look?.(body);
        }
        outgoing.end("ok");
        resolve("ok");
      } catch (error) {
        const { code, message } = asApiError(error);
        outgoing.end(code);
        resolve(`${code}: ${message}`);
      }
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const send = async (sent: Sent, look?: (body: ReadBody) => Promise<void>) => {
    const sha256 = createHash("sha256");
    for (const chunk of sent.chunks) sha256.update(chunk);
    reading = { sent, sha256: sent.sha256 ?? sha256.digest("hex"), look };
    ended = Promise.withResolvers<string>();
    const outgoing = request({ port, host: "127.0.0.1", method: "PUT", headers: sent.headers ?? {}, agent: false });
    outgoing.on("error", () => undefined);
    for (const chunk of sent.chunks) await new Promise((resolve) => outgoing.write(chunk, resolve));
    if (sent.breaksOff) outgoing.destroy();
    else outgoing.end();
    return ended.promise;
  };
  try {
    await work({ dir, send });
    assert.deepEqual(await readdir(dir), [], "nothing is left");
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(dir, { recursive: true });
  }
}

const zip = randomBytes(200_000);
const base64 = zip.toString("base64");

describe("BodyReader.read", () => {
  test("takes the zip out of a function's body, whatever parts it comes in, and leaves the rest", () =>
    withReader(async ({ send, dir }) => {
      const settings = {
        description: 'a "zipFile": {',
        code: { zipFile: base64 },
        environmentVariables: { code: "}" },
      };
      const body = JSON.stringify(settings);
      for (const size of [1000, 65_536, body.length]) {
        const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, at) =>
          body.slice(at * size, (at + 1) * size),
        );
        const answer = await send({ kind: "function", chunks }, async (read) => {
          assert.deepEqual(JSON.parse(read.bytes.toString()), { ...settings, code: { zipFile: "" } });
          const { path = "", ...facts } = read.zip ?? {};
          const sha256 = createHash("sha256").update(zip).digest("hex");
          assert.deepEqual({ ...facts }, { sha256, checksum: crc64(zip), sizeBytes: zip.length });
          assert.deepEqual(await readFile(path), zip);
          assert.equal((await readdir(dir)).length, 1);
        });
        assert.equal(answer, "ok");
      }
    }));

  test("a body without a zip has none; a zip alone is taken as it is", () =>
    withReader(async ({ send }) => {
      const look = async (read: ReadBody) => {
        assert.equal(read.bytes.toString(), '{"code":{}}');
        assert.equal(read.zip, undefined);
      };
      assert.equal(await send({ kind: "function", chunks: ['{"code":{}}'] }, look), "ok");
      const lookAtZip = async (read: ReadBody) => assert.deepEqual(await readFile(read.zip?.path ?? ""), zip);
      assert.equal(await send({ kind: "zip", chunks: [zip.subarray(0, 7), zip.subarray(7)] }, lookAtZip), "ok");
    }));

  const body = `{"code":{"zipFile":"${base64}"}}`;
  const refused: [what: string, sent: Sent, answer: RegExp][] = [
    [
      "another hash than was signed",
      { kind: "function", chunks: [body], sha256: "0".repeat(64) },
      /^SignatureNotMatch/,
    ],
    ["another hash of a zip", { kind: "zip", chunks: [zip], sha256: "0".repeat(64) }, /^SignatureNotMatch/],
    [
      "a body that breaks off",
      { kind: "function", chunks: [body], breaksOff: true },
      /^InvalidArgument: The body ended/,
    ],
    ["a zip that breaks off", { kind: "zip", chunks: [zip], breaksOff: true }, /^InvalidArgument: The body ended/],
    [
      "what is no base64",
      { kind: "function", chunks: [`{"code":{"zipFile":"${base64}*"}}`] },
      /code\.zipFile: expected/,
    ],
    ["padding in the middle", { kind: "function", chunks: ['{"code":{"zipFile":"QQ==QQ=="}}'] }, /code\.zipFile: exp/],
    ["an escape in base64", { kind: "function", chunks: [`{"code":{"zipFile":"QQ\\"}}`] }, /the escape "\\\\"/],
    [
      "two zips",
      { kind: "function", chunks: ['{"code":{"zipFile":"","zipFile":""}}'] },
      /expected one, and the body has/,
    ],
    [
      "a zip announced to be larger than any may be",
      { kind: "zip", chunks: ["x"], headers: { "content-length": String(500 * 1024 ** 2 + 1) }, breaksOff: true },
      /^EntityTooLarge/,
    ],
    [
      "settings of more than a megabyte beside a zip",
      { kind: "function", chunks: [`{"code":{"zipFile":"${base64}"},"d":"`, "x".repeat(1024 ** 2), '"}'] },
      /^EntityTooLarge.*1048576/,
    ],
    ["a large body without a zip", { kind: "json", chunks: ["x".repeat(1024 ** 2 + 1)] }, /^EntityTooLarge/],
  ];
  for (const [what, sent, answer] of refused) {
    test(`refuses ${what}, and leaves nothing`, () =>
      withReader(async ({ send }) => assert.match(await send(sent), answer)));
  }

  test("what all requests have in memory is bounded, and freed when they are done", () =>
    withReader(
      async ({ send }) => {
        const half = { kind: "json" as const, chunks: ["x".repeat(60)] };
        for (let time = 0; time < 3; time += 1) assert.equal(await send(half), "ok");
        assert.match(await send({ kind: "json", chunks: ["x".repeat(101)] }), /^ResourceThrottled/);
        assert.equal(await send(half), "ok");
      },
      [100],
    ));

  test("zips on their way in are counted, also while they are worked on", () =>
    withReader(
      async ({ send }) => {
        const one: Sent = { kind: "zip", chunks: [zip] };
        const first = send(one, async () => assert.match(await send(one), /^ResourceThrottled/));
        assert.equal(await first, "ok");
        assert.equal(await send(one), "ok");
      },
      [1024 ** 2, 1],
    ));
});
