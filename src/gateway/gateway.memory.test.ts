/** What clients see when the gateway is short of memory: real sockets, fake time, readings of the test's. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientHttp2Stream } from "node:http2";
import { test } from "node:test";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { answerOf, GatewayBench, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, LocalDriver } from "./testing/local-function.ts";
import { RawClient } from "./testing/raw-client.ts";

const MIB = 1024 * 1024;
const SECOND_MS = 1000;
/** Above the window of 64 KiB that node:http2 gives a stream: it waits in the gateway when the client does not read. */
const LARGE = Buffer.alloc(200_000, 7);

/** A gateway that believes it has 1000 MB, of which `used.mb` are taken. */
async function startBench(driver: LocalDriver) {
  const clock = new FakeClock();
  const used = { mb: 100 };
  const gateway = { limits: { memoryMaxMb: 1000 }, residentBytes: () => used.mb * MIB, random: () => 0.5 };
  const bench = await GatewayBench.start(driver, {}, { clock, gateway });
  bench.put({ timeoutMs: 86_400_000 }, "long");
  /** Moves the clock second by second, and lets sockets do in between what they have to. */
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(SECOND_MS);
      for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
    }
  };
  return { bench, used, pass };
}

/** A function that answers with much: with or without an end. */
function large(isWhole: boolean): LocalDriver {
  return LocalDriver.http2((stream, headers) => {
    if (headers["x-small"] !== undefined) {
      echo(stream, headers);
      return;
    }
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    if (isWhole) stream.end(LARGE);
    else stream.write(LARGE);
  });
}

/** Opens a call and does not read its answer; resolves when what the window lets through has come. */
async function openUnread(bench: GatewayBench): Promise<ClientHttp2Stream> {
  const call = bench.open(await bench.client());
  call.end(MESSAGE);
  call.pause();
  await once(call, "response");
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  return call;
}

test("75 %: new connections are refused, those that are there make calls; below 70 % all is well again", async () => {
  const { bench, used, pass } = await startBench(LocalDriver.http2(echo));
  await using _bench = bench;
  const client = await bench.client();
  used.mb = 760;
  await pass(1);
  await assert.rejects(bench.client(), /closed/);
  assert.equal(bench.gateway.refusals.countOf("memory_connections"), 1);
  assert.equal(statusOf(await bench.call(client)).status, "0");
  used.mb = 710;
  await pass(1);
  await assert.rejects(bench.client(), /closed/);
  used.mb = 690;
  await pass(1);
  assert.equal(statusOf(await bench.call(await bench.client())).status, "0");
});

test("85 %: new calls get 8 ResourceExhausted that says why", async () => {
  const { bench, used, pass } = await startBench(LocalDriver.http2(echo));
  await using _bench = bench;
  const client = await bench.client();
  used.mb = 860;
  await pass(1);
  const got = statusOf(await bench.call(client));
  assert.deepEqual([got.status, got.errorType], ["8", "ResourceExhausted"]);
  assert.match(got.message, /short of memory/);
  assert.equal(bench.gateway.refusals.countOf("memory_calls"), 1);
  used.mb = 100;
  await pass(1);
  assert.equal(statusOf(await bench.call(client)).status, "0");
});

test("95 %: connections without calls are closed, one with a call is not", async () => {
  const { bench, used, pass } = await startBench(large(false));
  await using _bench = bench;
  const idle = await RawClient.greeted(bench);
  const call = await openUnread(bench);
  used.mb = 960;
  await pass(2);
  const { goAwayCode, token } = await idle.ended();
  assert.deepEqual([goAwayCode, token], [0, "memory_idle"]);
  assert.equal(bench.gateway.clientCount, 1);
  assert.equal(call.closed, false);
});

test("a reader that pauses for ten minutes loses nothing", async () => {
  const { bench, pass } = await startBench(large(true));
  await using _bench = bench;
  const call = await openUnread(bench);
  await pass(600);
  const answer = await readOn(call);
  assert.equal(answer.bytes, LARGE.length);
  assert.equal(answer.status, "0");
});

test("under pressure a call that nobody reads ends with 8 StalledUnderPressure; one that moves does not", async () => {
  const { bench, used, pass } = await startBench(large(false));
  await using _bench = bench;
  const stalled = await openUnread(bench);
  await pass(60);
  const moving = await openUnread(bench);
  const answering = answerOf(stalled);
  used.mb = 860;
  await pass(1);
  stalled.resume();
  const got = statusOf(await answering);
  assert.deepEqual([got.status, got.errorType], ["8", "StalledUnderPressure"]);
  assert.equal(bench.gateway.refusals.countOf("StalledUnderPressure"), 1);
  assert.equal(bench.gateway.openCalls, 1);
  assert.equal(moving.closed, false);
});

test("under pressure an answer that is complete here and that nobody reads is reset with ENHANCE_YOUR_CALM", async () => {
  const { bench, used, pass } = await startBench(large(true));
  await using _bench = bench;
  const call = await openUnread(bench);
  await pass(60);
  assert.equal(bench.gateway.openCalls, 0, "the call is over, its bytes are not gone");
  used.mb = 860;
  const closed = new Promise((resolve) => call.once("close", resolve));
  await pass(1);
  call.resume();
  await closed;
  assert.equal(call.rstCode, 11);
  assert.equal(bench.gateway.refusals.countOf("StalledUnderPressure"), 1);
});

/** Reads an answer whose head has come, to its end. */
async function readOn(call: ClientHttp2Stream): Promise<{ bytes: number; status: unknown }> {
  let bytes = 0;
  let status: unknown;
  call.on("trailers", (trailers) => {
    status = trailers["grpc-status"];
  });
  call.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  call.resume();
  await once(call, "close");
  return { bytes, status };
}
