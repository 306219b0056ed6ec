/** How connections of clients end by the gateway's hand: real sockets, fake time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { FrameType, frame, PREFACE, settings, windowUpdate } from "../h2/testing/script.ts";
import type { GatewayLimits } from "./limits.ts";
import { answerOf, GatewayBench, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver } from "./testing/local-function.ts";
import { RawClient } from "./testing/raw-client.ts";

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const INITIAL_WINDOW_SIZE = 4;
const ACK = 1;
const CHUNK = Buffer.alloc(64 * 1024);

/** Moves the clock second by second, and lets sockets do in between what they have to. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= SECOND_MS) {
    clock.advance(SECOND_MS);
    for (let i = 0; i < 4; i++) await new Promise(setImmediate);
  }
}

/** Moves the clock until something holds that sockets bring about. */
async function passUntil(clock: FakeClock, condition: () => boolean): Promise<void> {
  for (let seconds = 0; !condition(); seconds++) {
    assert.ok(seconds < 5000, "it does not come true");
    clock.advance(SECOND_MS);
    await pause(1);
  }
}

function finish(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(MESSAGE);
}

async function startBench(
  driver: LocalDriver,
  clock: FakeClock,
  limits: Partial<GatewayLimits> = {},
): Promise<GatewayBench> {
  const bench = await GatewayBench.start(driver, {}, { clock, gateway: { random: () => 0.5, limits } });
  bench.put({ timeoutMs: 86_400_000 }, "long");
  return bench;
}

test("connectionAgeMaxMs: two GOAWAYs, the open call goes on for hours and ends well, then the connection closes", async () => {
  const clock = new FakeClock();
  const { driver, next } = holding();
  await using bench = await startBench(driver, clock);
  const session = await bench.client();
  const goAways: (readonly [number, number, string])[] = [];
  session.on("goaway", (code, lastStreamId, debug) => goAways.push([code, lastStreamId, String(debug)]));
  const arrived = next();
  const call = bench.open(session);
  const answering = answerOf(call);
  call.end(MESSAGE);
  const stream = await arrived;
  await pass(clock, HOUR_MS + 5 * SECOND_MS);
  assert.deepEqual(goAways, [
    [0, 2 ** 31 - 1, "connection_age"],
    [0, 1, "connection_age"],
  ]);
  await pass(clock, HOUR_MS);
  finish(stream);
  assert.equal(statusOf(await answering).status, "0");
  await passUntil(clock, () => bench.gateway.clientSockets === 0);
  assert.equal(bench.gateway.refusals.countOf("connection_age"), 1);
});

test("idleConnectionTimeoutMs: a connection without calls is asked to leave, and closed", async () => {
  const clock = new FakeClock();
  await using bench = await startBench(LocalDriver.http2(echo), clock, { idleConnectionTimeoutMs: 600_000 });
  const client = await RawClient.greeted(bench);
  await passUntil(clock, () => bench.gateway.clientSockets === 0);
  assert.deepEqual(await client.ended().then(({ goAwayCode, token }) => [goAwayCode, token]), [0, "connection_idle"]);
  assert.ok(clock.nowMs() >= 600_000);
});

test("clientPingTimeoutMs: a client that vanished with a call open is found by PING, and its call cancelled", async () => {
  const clock = new FakeClock();
  const { driver, next } = holding();
  await using bench = await startBench(driver, clock);
  const client = await RawClient.greeted(bench);
  const arrived = next();
  client.request(1);
  const stream = await arrived;
  const cancelled = once(stream, "close");
  await passUntil(clock, () => client.framesOf(FrameType.PING).length === 1);
  const ping = client.framesOf(FrameType.PING)[0];
  client.send(frame(FrameType.PING, ACK, 0, ping?.payload));
  await pass(clock, 30 * SECOND_MS);
  assert.equal(bench.gateway.clientCount, 1, "it answered");
  await passUntil(clock, () => client.framesOf(FrameType.PING).length === 2);
  await passUntil(clock, () => bench.gateway.clientSockets === 0);
  await cancelled;
  assert.equal(stream.rstCode, 8);
  assert.equal(bench.gateway.refusals.countOf("client_unresponsive"), 1);
  assert.equal(bench.ended[0]?.cause?.errorType, "ClientCancelled");
});

/** A function that writes for as long as anybody takes it, and how much that was. */
class Flood {
  readonly driver = LocalDriver.http2((stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    this.#write(stream);
  });
  #writtenBytes = 0;

  /** Waits until it can write no more: every buffer on the way to the client is full. */
  async isFull(): Promise<void> {
    for (let before = -1; before !== this.#writtenBytes || before === 0; await pause(100)) before = this.#writtenBytes;
  }

  #write(stream: ServerHttp2Stream): void {
    stream.write(CHUNK, (error) => {
      if (error) return;
      this.#writtenBytes += CHUNK.length;
      this.#write(stream);
    });
  }
}

/** A client with large windows that asks for much and does not read. */
async function unreadingClient(bench: GatewayBench): Promise<RawClient> {
  const client = await RawClient.connect(bench);
  client.send(PREFACE, settings([INITIAL_WINDOW_SIZE, 2 ** 31 - 1]), windowUpdate(0, 2 ** 30));
  await client.until(() => client.frames.length > 0);
  client.send(frame(FrameType.SETTINGS, ACK, 0));
  client.socket.pause();
  client.request(1, [], true);
  return client;
}

test("socketStallTimeoutMs: a client that takes no byte of what it asked for loses its connection, another one does not", async () => {
  const clock = new FakeClock();
  const flood = new Flood();
  await using bench = await startBench(flood.driver, clock);
  const reader = await RawClient.greeted(bench);
  await unreadingClient(bench);
  await flood.isFull();
  await passUntil(clock, () => bench.gateway.refusals.countOf("socket_stalled") === 1);
  await passUntil(clock, () => bench.gateway.clientSockets === 1);
  assert.ok(clock.nowMs() >= 60 * SECOND_MS);
  reader.request(1);
  await reader.until(() => reader.framesOf(FrameType.DATA).length > 0);
  reader.destroy();
});

test("a connection that was sent a GOAWAY of an error is gone within a second or so, though its client does not read", async () => {
  for (const isFull of [false, true]) {
    const flood = new Flood();
    await using bench = await GatewayBench.start(flood.driver);
    const client = isFull ? await unreadingClient(bench) : await RawClient.greeted(bench);
    if (isFull) await flood.isFull();
    client.socket.pause();
    client.send(windowUpdate(0, 0));
    const sentAt = performance.now();
    while (bench.gateway.clientSockets > 0) await pause(5);
    const tookMs = performance.now() - sentAt;
    assert.ok(tookMs < 1500, `it took ${tookMs} ms`);
    assert.equal(bench.gateway.refusals.countOf("window_update_0"), 1);
    client.destroy();
  }
});
