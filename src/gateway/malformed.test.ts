/** Messages that break the rules of RFC 9113 §8, over real sockets: from clients, and from instances. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MALFORMED_REQUESTS, MALFORMED_RESPONSES } from "../h2/testing/malformed.ts";
import {
  data,
  frame,
  headers,
  RESPONSE,
  type ReadFrame,
  settings,
  TRAILERS,
  windowUpdate,
} from "../h2/testing/script.ts";
import { answerOf, GatewayBench, HOST, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { type RawPeer, rawClient, rawInstances } from "./testing/raw-peer.ts";

const HEAD = [":method", "POST", ":scheme", "https", ":path", "/p.S/M", ":authority", HOST];
const GRPC_HEAD = [...HEAD, "content-type", "application/grpc", "te", "trailers"];

/** Ends a call well. */
function answer(peer: RawPeer, streamId: number): void {
  peer.send(headers(streamId, RESPONSE, false), data(streamId, MESSAGE), headers(streamId, TRAILERS, true));
}

function fieldOf({ headers: list = [] }: ReadFrame, name: string): string | undefined {
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
}

test("a malformed request head is reset, starts nothing, and the client's connection lives: every rule", async () => {
  const { driver } = rawInstances((peer, { type, streamId }) => {
    if (type === "HEADERS") answer(peer, streamId);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  let streamId = 1;
  for (const { what, frames } of MALFORMED_REQUESTS.heads) {
    client.send(...frames(streamId, GRPC_HEAD));
    await client.end(streamId);
    assert.deepEqual(client.wordsOf(streamId), [`RST_STREAM ${streamId} code 1`], what);
    streamId += 2;
  }
  assert.equal(driver.instances.length, 0);
  assert.equal(bench.ended.length, 0);
  client.send(headers(streamId, GRPC_HEAD, true));
  assert.equal(fieldOf(await client.end(streamId), "grpc-status"), "0");
  client.destroy();
});

test("a request whose content or trailers are malformed is reset, and its instance is told CANCEL: every rule", async () => {
  const { driver, peers } = rawInstances((peer, seen) => {
    if (seen.type === "HEADERS" && fieldOf(seen, "x-good") !== undefined) answer(peer, seen.streamId);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  client.send(headers(1, [...GRPC_HEAD, "x-good", "1"], true));
  await client.end(1);
  const instance = peers[0]!;
  let streamId = 3;
  for (const { what, frames } of MALFORMED_REQUESTS.bodies) {
    client.send(...frames(streamId, GRPC_HEAD));
    await client.end(streamId);
    assert.deepEqual(client.wordsOf(streamId), [`RST_STREAM ${streamId} code 1`], what);
    const resets = await instance.until(`RST_STREAM for ${what}`, () => {
      const all = instance.frames.filter(({ type }) => type === "RST_STREAM");
      return all.length === (streamId - 1) / 2 && all;
    });
    assert.equal(resets.at(-1)?.code, 8, what);
    assert.ok(
      !instance.words.some((words) => words.startsWith("DATA") && words.endsWith(" end")),
      `${what}: a clean end`,
    );
    streamId += 2;
  }
  assert.equal(bench.gateway.openCalls, 0);
  assert.equal(bench.scheduler.statusOf(bench.ended[0]!.function)?.instances[0]?.openCalls, 0);
  client.send(headers(streamId, [...GRPC_HEAD, "x-good", "1"], true));
  assert.equal(fieldOf(await client.end(streamId), "grpc-status"), "0");
  assert.equal(peers.length, 1);
  client.destroy();
});

test("a malformed response is 13 BadResponse for its own call, and the instance's connection lives: every rule", async () => {
  const rules = [...MALFORMED_RESPONSES.heads, ...MALFORMED_RESPONSES.bodies];
  const { driver, peers } = rawInstances((peer, seen) => {
    const rule = fieldOf(seen, "x-rule");
    if (rule !== undefined) peer.send(...rules[Number(rule)]!.frames(seen.streamId, RESPONSE));
    else if (fieldOf(seen, "x-good") !== undefined) answer(peer, seen.streamId);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  // Beside all of them, a call that waits for its answer on the same connection.
  const waiting = bench.open(client);
  const waitingAnswer = answerOf(waiting);
  waiting.end(MESSAGE);
  for (const [index, { what }] of rules.entries()) {
    const got = await bench.call(client, { "x-rule": String(index) });
    const { status, errorType, message } = statusOf(got);
    // What is no gRPC answer is passed on as it comes; it can only be cut.
    if (got.head[":status"] === "200") assert.deepEqual([status, errorType], ["13", "BadResponse"], what);
    else assert.equal(got.resetCode, 2, what);
    if (got.head[":status"] === "200") assert.match(message, /server closed the stream without sending trailers: /);
    const instance = peers[0]!;
    await instance.until(`RST_STREAM PROTOCOL_ERROR for ${what}`, () => {
      const resets = instance.frames.filter(({ type, code }) => type === "RST_STREAM" && code === 1);
      return resets.length === index + 1;
    });
    assert.equal(bench.scheduler.statusOf(bench.ended[0]!.function)?.instances[0]?.openCalls, 1, `${what}: its slot`);
  }
  assert.equal(statusOf(await bench.call(client, { "x-good": "1" })).status, "0");
  assert.equal(peers.length, 1);
  const held = peers[0]!.frames.find((seen) => seen.type === "HEADERS");
  answer(peers[0]!, held!.streamId);
  assert.equal(statusOf(await waitingAnswer).status, "0");
  assert.deepEqual(bench.errors, []);
});

const BROKEN_CONNECTIONS: readonly (readonly [what: string, frames: (streamId: number) => Buffer[]])[] = [
  ["HEADERS on a stream that was never opened", (id) => [headers(id + 2, RESPONSE, true)]],
  ["HEADERS on a stream of its own", () => [headers(2, RESPONSE, true)]],
  ["DATA on stream 0", () => [data(0, 1)]],
  ["DATA on a stream that was never opened", (id) => [data(id + 2, 1)]],
  ["PUSH_PROMISE", (id) => [frame(5, 4, id, Buffer.from([0, 0, 0, 2, 0x88]))]],
  ["a header block that HPACK cannot read", (id) => [frame(1, 5, id, Buffer.from([0x80]))]],
  ["a frame larger than was announced", (id) => [data(id, 16_385)]],
  ["a window above 2^31-1", () => [windowUpdate(0, 2 ** 31 - 1)]],
  ["WINDOW_UPDATE of 0", (id) => [windowUpdate(id, 0)]],
  ["SETTINGS_ENABLE_PUSH of a server", () => [settings([2, 1])]],
  ["SETTINGS with a wrong value", () => [settings([5, 1])]],
  ["CONTINUATION without HEADERS", (id) => [frame(9, 4, id, Buffer.alloc(1))]],
  ["another frame within a header block", (id) => [frame(1, 0, id, Buffer.from([0x88])), data(id, 1)]],
  ["SETTINGS on a stream", (id) => [frame(4, 0, id)]],
  ["PING of a wrong length", () => [frame(6, 0, 0, Buffer.alloc(7))]],
  ["padding longer than its frame", (id) => [frame(0, 8, id, Buffer.from([9, 0]))]],
];

for (const [what, frames] of BROKEN_CONNECTIONS) {
  test(`an instance that sends ${what} breaks HTTP/2: 13 BadResponse for its calls, and the next call is served`, async () => {
    let calls = 0;
    const { driver } = rawInstances((peer, { type, streamId }) => {
      if (type !== "HEADERS") return;
      calls += 1;
      if (calls === 2) peer.send(...frames(streamId));
      if (calls > 2) answer(peer, streamId);
    });
    await using bench = await GatewayBench.start(driver);
    const client = await bench.client();
    const both = await Promise.all([bench.call(client), bench.call(client)]);
    for (const got of both.map(statusOf)) {
      assert.deepEqual([got.status, got.errorType], ["13", "BadResponse"]);
      assert.match(got.message, /RFC (9113|7541) §/);
    }
    assert.equal(statusOf(await bench.call(client)).status, "0");
    assert.deepEqual(bench.errors, []);
  });
}
