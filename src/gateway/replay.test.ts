/** Invariant 4: a call goes to another instance or connection only with proof that the first never saw it, once. */
import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { data, goAway, headers, RESPONSE, reset, TRAILERS } from "../h2/testing/script.ts";
import { GatewayBench, KEY, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, LocalDriver, type StreamAnswer } from "./testing/local-function.ts";
import { rawInstances } from "./testing/raw-peer.ts";

/** What is kept of a request body (kept-request.ts). */
const KEPT_MAX_BYTES = 64 * 1024;

/** Proofs that a stream was not seen: RFC 9113 §8.7. */
const PROOFS: readonly (readonly [string, (stream: ServerHttp2Stream) => void])[] = [
  ["REFUSED_STREAM", (stream) => stream.close(7)],
  ["a GOAWAY below its id", (stream) => stream.session?.goaway(0, (stream.id ?? 0) - 2)],
];

/**
 * Serves the first call, proves with the next `count`, once each has come whole, that they were not seen, and serves the
 * rest. (node:http2 cannot say that it saw no stream at all: it takes a last id of 0 for none given.)
 */
async function refusing(count: number, prove: (stream: ServerHttp2Stream) => void) {
  const seen: string[] = [];
  const driver = LocalDriver.http2((stream, headers) => {
    seen.push(String(headers["x-fc-request-id"]));
    if (seen.length === 1 || seen.length > count + 1) {
      echo(stream, headers);
      return;
    }
    stream.resume();
    stream.once("end", () => prove(stream));
  });
  const bench = await GatewayBench.start(driver);
  const client = await bench.client();
  assert.equal(statusOf(await bench.call(client)).status, "0");
  return { bench, client, seen };
}

for (const [what, prove] of PROOFS) {
  test(`${what}: a call of up to 64 KiB is sent again whole, with its request id, on the instance that lives`, async () => {
    for (const size of [0, 5, 50 * 1024, KEPT_MAX_BYTES]) {
      const { bench, client, seen } = await refusing(1, prove);
      await using _ = bench;
      const body = Buffer.alloc(size, "0123456789abcdefg");
      const answer = await bench.call(client, {}, body);
      assert.equal(statusOf(answer).status, "0", `${size} bytes`);
      assert.ok(answer.body.equals(body));
      assert.equal(seen.length, 3);
      assert.equal(seen[1], seen[2]);
      assert.equal(bench.driver.instances.length, 1);
      assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
    }
  });

  test(`${what}: beyond 64 KiB the call ends with 14, and was sent once`, async () => {
    const { bench, client, seen } = await refusing(1, prove);
    await using _ = bench;
    const got = statusOf(await bench.call(client, {}, Buffer.alloc(KEPT_MAX_BYTES + 1)));
    assert.deepEqual([got.status, got.errorType], ["14", "FunctionReset"]);
    assert.equal(seen.length, 2);
    assert.equal(statusOf(await bench.call(client)).status, "0");
  });
}

test("a call that is sent again is billed as one call", async () => {
  for (const [what, prove] of PROOFS) {
    const { bench, client } = await refusing(1, prove);
    await using _ = bench;
    assert.equal(statusOf(await bench.call(client)).status, "0");
    // A record is written when the next stretch begins.
    await wait(10);
    assert.equal(statusOf(await bench.call(client)).status, "0");
    const billed = bench.usage.reduce((sum, { calls }) => sum + calls, 0);
    assert.equal(billed, 2, what);
  }
});

/** The same proofs, as frames. */
const PROOF_FRAMES = [(id: number) => reset(id, 7), (id: number) => goAway(id - 1, 0)];

test("a call that is refused where it was sent again ends with 14", async () => {
  for (const prove of PROOF_FRAMES) {
    let heads = 0;
    const { driver } = rawInstances((peer, { type, streamId }) => {
      if (type !== "HEADERS") return;
      heads += 1;
      peer.send(heads > 2 ? headers(streamId, [...RESPONSE, ...TRAILERS], true) : prove(streamId));
    });
    await using bench = await GatewayBench.start(driver);
    const client = await bench.client();
    const got = statusOf(await bench.call(client));
    assert.deepEqual([got.status, got.errorType], ["14", "FunctionReset"]);
    assert.equal(heads, 2);
    assert.equal(statusOf(await bench.call(client)).status, "0");
    assert.equal(driver.instances.length, 1);
  }
});

test("after the first byte of an answer no call is sent again, whatever the instance then says of it", async () => {
  for (const prove of PROOF_FRAMES) {
    let heads = 0;
    const { driver } = rawInstances((peer, { type, streamId }) => {
      if (type !== "HEADERS") return;
      heads += 1;
      peer.send(headers(streamId, RESPONSE, false), data(streamId, MESSAGE), prove(streamId));
    });
    await using bench = await GatewayBench.start(driver);
    const answer = await bench.call(await bench.client());
    assert.equal(statusOf(answer).status, "14");
    assert.ok(answer.body.equals(MESSAGE));
    assert.equal(heads, 1);
  }
});

test("an instance that ends each connection behind its first answer lives on, and fails no call", async () => {
  const { driver } = rawInstances((peer, { type, streamId }) => {
    if (type === "HEADERS") peer.send(headers(streamId, [...RESPONSE, ...TRAILERS], true), goAway(streamId, 0));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  for (let i = 0; i < 30; i++) assert.equal(statusOf(await bench.call(client)).status, "0", `call ${i}`);
  assert.equal(driver.instances.length, 1);
});

test("an instance that retires its connections under load, with calls on the way to it, fails none of 2,000 of 50 KiB", async () => {
  // The 51st stream of each connection is refused, and all that are on the way behind it. What is sent again is among
  // the first 20 of the next connection, and so is never refused twice.
  const refusedFromId = 101;
  let refused = 0;
  const answer: StreamAnswer = (stream, headers) => {
    const id = stream.id ?? 0;
    if (id < refusedFromId) {
      echo(stream, headers);
      return;
    }
    refused += 1;
    if (id === refusedFromId) stream.session?.goaway(0, refusedFromId - 2);
    stream.close(7);
  };
  const driver = LocalDriver.http2(answer);
  await using bench = await GatewayBench.start(driver);
  bench.put({ instanceConcurrency: 100, instanceSoftConcurrency: 100 }, "wide");
  const client = await bench.client();
  const body = Buffer.alloc(50 * 1024, "0123456789abcdefg");
  let started = 0;
  const statuses = new Map<string | undefined, number>();
  const worker = async () => {
    while (started++ < 2000) {
      const answer = await bench.call(client, {}, body);
      const { status, message } = statusOf(answer);
      assert.equal(status, "0", message);
      assert.ok(answer.body.equals(body));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  assert.deepEqual([...statuses], [["0", 2000]]);
  assert.ok(refused >= 35, `${refused} calls were refused`);
  assert.equal(driver.instances.length, 1);
  assert.deepEqual(bench.errors, []);
});
