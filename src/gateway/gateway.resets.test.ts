/** Calls that clients open and reset at once: what they can cause at instances, and what they cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reset } from "../h2/testing/script.ts";
import { answerOf, GatewayBench, KEY, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { holding } from "./testing/local-function.ts";
import { RawClient } from "./testing/raw-client.ts";

const CANCEL = 8;

/** Opens calls and resets each, as fast as it goes; fewer than would end its own connection. */
async function openAndReset(bench: GatewayBench, calls: number): Promise<void> {
  await using client = await RawClient.greeted(bench);
  for (let id = 1; id < calls * 2; id += 2) {
    client.request(id);
    client.send(reset(id, CANCEL));
    if (id % 50 === 1) await new Promise(setImmediate);
  }
  await client.answeredPing();
}

test("resets of several clients do not make the function end its connection and others' calls with it (nghttp2: 1000, then 33 a second)", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver, { instancesMax: 1 });
  bench.put({ instanceConcurrency: 200 }, "shared");
  const arrived = next();
  const call = bench.open(await bench.client());
  const answering = answerOf(call);
  call.end(MESSAGE);
  const stream = await arrived;
  for (let attacker = 0; attacker < 4; attacker++) await openAndReset(bench, 800);
  assert.equal(bench.ended.length, 3200);
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end();
  assert.equal(statusOf(await answering).status, "0");
});

test("calls that are reset as they come start one instance, however many they are", async () => {
  const { driver } = holding();
  await using bench = await GatewayBench.start(driver);
  bench.put({ instanceConcurrency: 1 }, "one");
  for (let attacker = 0; attacker < 4; attacker++) await openAndReset(bench, 800);
  assert.equal(bench.ended.length, 3200);
  assert.equal(driver.instances.length, 1);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
});

test("resets of one client beyond its budget end its own connection", async () => {
  const { driver } = holding();
  await using bench = await GatewayBench.start(driver);
  bench.put({ instanceConcurrency: 200 }, "shared");
  await assert.rejects(openAndReset(bench, 1500), /closed/);
  assert.equal(bench.gateway.refusals.countOf("reset_flood"), 1);
});
