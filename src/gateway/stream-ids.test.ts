/** Stream ids end at 2^31-1 (RFC 9113 §5.1.1): connections are replaced long before, toward clients and instances. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { LIMITS } from "../h2/h2.ts";
import { data, headers } from "../h2/testing/script.ts";
import { answerOf, GatewayBench, HOST, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver, type LocalInstance } from "./testing/local-function.ts";
import { rawClient } from "./testing/raw-peer.ts";

const LAST_ID = LIMITS.streamIdMax.value;

test("a client whose stream ids pass 2^30 is asked to reconnect, and every call of its is served", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  // Node.js has it for every session; its types have not.
  (client as unknown as { setNextStreamID(id: number): void }).setNextStreamID(LAST_ID - 1);
  const goAways: unknown[][] = [];
  client.on("goaway", (...args) => goAways.push(args));
  const closed = once(client, "close");
  for (const id of [LAST_ID - 1, LAST_ID + 1]) {
    assert.equal(goAways.length, 0);
    const call = bench.open(client);
    const answering = answerOf(call);
    call.end(MESSAGE);
    assert.equal(statusOf(await answering).status, "0");
    assert.equal(call.id, id);
  }
  await closed;
  const [code, lastStreamId] = goAways[0] ?? [];
  assert.deepEqual([code, lastStreamId], [0, 2 ** 31 - 1], "the first GOAWAY is NO_ERROR and refuses nothing");
  assert.equal(statusOf(await bench.call(await bench.client())).status, "0");
});

test("the second GOAWAY names the last call that was taken; one above it is refused, an open one goes on", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  const head = [":method", "POST", ":scheme", "https", ":path", "/p.S/M", ":authority", HOST];
  const opening = (id: number) => headers(id, [...head, "content-type", "application/grpc"], false);
  const arrived = next();
  client.send(opening(LAST_ID + 1));
  const stream = await arrived;
  const goAways = () => client.frames.filter(({ type }) => type === "GOAWAY");
  const [first, second] = await client.until("two GOAWAYs", () => goAways().length === 2 && goAways());
  assert.deepEqual(
    [first!, second!].map(({ code, payload }) => [code, payload.readUInt32BE(0)]),
    [
      [0, 2 ** 31 - 1],
      [0, LAST_ID + 1],
    ],
  );
  client.send(opening(LAST_ID + 3));
  await client.end(LAST_ID + 3);
  assert.deepEqual(client.wordsOf(LAST_ID + 3), [`RST_STREAM ${LAST_ID + 3} code 7`]);
  assert.equal(client.isClosed, false);
  echo(stream, {});
  client.send(data(LAST_ID + 1, MESSAGE, true));
  await client.end(LAST_ID + 1);
  assert.ok(
    client
      .wordsOf(LAST_ID + 1)
      .at(-1)
      ?.includes("grpc-status 0"),
  );
  await client.until("the connection's end", () => client.isClosed);
});

test("toward an instance a new connection takes over when the ids of the old one are used up; open calls finish on it", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const driver = LocalDriver.http2((stream, fields) => {
    if (fields["x-hold"] === undefined) echo(stream, fields);
    else void released.then(() => echo(stream, fields));
  });
  await using bench = await GatewayBench.start(driver, {}, { gateway: { instanceLimits: { streamIdMax: 5 } } });
  const client = await bench.client();
  const holdingCall = bench.call(client, { "x-hold": "1" });
  for (let count = 0; count < 20; count++) assert.equal(statusOf(await bench.call(client)).status, "0");
  const instance = driver.instances[0] as LocalInstance;
  assert.equal(driver.instances.length, 1, "the instance itself goes on");
  assert.ok(instance.sessions.size >= 7, `${instance.sessions.size} connections for 21 calls of 3 ids each`);
  release();
  assert.equal(statusOf(await holdingCall).status, "0");
  assert.deepEqual(bench.errors, []);
});
