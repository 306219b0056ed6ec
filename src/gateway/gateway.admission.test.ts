/** Which clients are let in, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { GatewayBench, statusOf } from "./testing/gateway-bench.ts";
import { echo, LocalDriver } from "./testing/local-function.ts";
import { RawClient } from "./testing/raw-client.ts";

/** A client that says nothing. */
async function silentClient(bench: GatewayBench): Promise<Socket> {
  const socket = connect(bench.gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket.resume(), "close");
}

async function untilSockets(bench: GatewayBench, count: number): Promise<void> {
  while (bench.gateway.clientSockets !== count) await new Promise(setImmediate);
}

test("handshakesPerAddressMax: one more is closed at once; a finished handshake and one that goes make room", async () => {
  await using bench = await GatewayBench.start(
    LocalDriver.http2(echo),
    {},
    { gateway: { limits: { handshakesPerAddressMax: 2 } } },
  );
  await using _first = await RawClient.greeted(bench);
  await using _second = await RawClient.greeted(bench);
  const [third, fourth] = [await silentClient(bench), await silentClient(bench)];
  await closed(await silentClient(bench));
  assert.deepEqual(bench.gateway.refusals.counts(), { handshakes_per_ip: 1 });
  third.destroy();
  await untilSockets(bench, 3);
  assert.equal(statusOf(await bench.call(await bench.client())).status, "0");
  fourth.destroy();
});

test("connectionsPerAddressMax and connectionsMax: one more is closed at once, those that are there go on", async () => {
  for (const [limit, token] of [
    ["connectionsPerAddressMax", "connections_per_ip"],
    ["connectionsMax", "connections"],
  ] as const) {
    await using bench = await GatewayBench.start(LocalDriver.http2(echo), {}, { gateway: { limits: { [limit]: 2 } } });
    const client = await bench.client();
    const second = await RawClient.greeted(bench);
    await assert.rejects(bench.client(), /closed/);
    assert.equal(bench.gateway.refusals.countOf(token), 1);
    assert.equal(statusOf(await bench.call(client)).status, "0");
    second.destroy();
    await untilSockets(bench, 1);
    assert.equal(statusOf(await bench.call(await bench.client())).status, "0");
  }
});

test("handshakeTimeoutMs: no byte, and a TLS handshake without end, are closed when it is over", async () => {
  await using bench = await GatewayBench.start(
    LocalDriver.http2(echo),
    {},
    { gateway: { limits: { handshakeTimeoutMs: 50 } } },
  );
  const silent = await silentClient(bench);
  const slow = await silentClient(bench);
  // The head of a TLS record (RFC 8446 §5.1) whose content never comes.
  slow.write(Buffer.from([0x16, 3, 1, 2, 0]));
  await Promise.all([closed(silent), closed(slow)]);
  assert.deepEqual(bench.gateway.refusals.counts(), { handshake_timeout: 2 });
  await untilSockets(bench, 0);
});

test("every seat is given back, however a connection ends", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const { port } = bench.gateway;
  const plain = connect(port, "127.0.0.1");
  plain.write("GET / HTTP/1.1\r\n\r\n");
  await closed(plain);
  const broken = connect(port, "127.0.0.1");
  broken.write(Buffer.from([0x16, 3, 1, 0, 5, 0xff, 0, 0, 1, 0]));
  await closed(broken);
  const client = await RawClient.greeted(bench);
  client.send(Buffer.alloc(100, 0xff));
  await client.ended();
  const rude = await RawClient.greeted(bench);
  rude.destroy();
  (await silentClient(bench)).destroy();
  await untilSockets(bench, 0);
});
