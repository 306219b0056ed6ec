/** Invariant 10: a call is never cut for its age. A day on fake time, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { answerOf, GatewayBench, KEY, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, LocalDriver } from "./testing/local-function.ts";

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
const REDEPLOYS = 20;

/** Turns of the event loop in which bytes cross the sockets of this process: a PING and its answer need a few. */
const TURNS = 12;

/** Moves time on in steps below every timeout of a PING, with turns for the sockets in between. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  const STEP_MS = 5 * SECOND_MS;
  for (let left = ms; left > 0; left -= STEP_MS) {
    clock.advance(Math.min(STEP_MS, left));
    for (let i = 0; i < TURNS; i++) await turn();
  }
}

/** Waits for something that happens without time passing. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !condition(); i++) await turn();
  assert.ok(condition());
}

test("a bidirectional stream, silent for hours, lives for a day: through 20 redeploys, with a message each, to its timeout", async () => {
  const clock = new FakeClock();
  const held: ServerHttp2Stream[] = [];
  const driver = LocalDriver.http2((stream, headers) => {
    if (headers["x-long"] === undefined) {
      echo(stream, headers);
      return;
    }
    held.push(stream);
    echo(stream, headers);
  });
  await using bench = await GatewayBench.start(driver, {}, { clock });
  bench.put({ timeoutMs: DAY_MS }, "day");
  const client = await bench.client();
  let goAways = 0;
  client.on("goaway", () => {
    goAways += 1;
  });
  const call = bench.open(client, { "x-long": "1" });
  const answering = answerOf(call);
  let receivedBytes = 0;
  call.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
  });
  call.write(MESSAGE);
  await until(() => receivedBytes === MESSAGE.length);

  for (let redeploy = 1; redeploy <= REDEPLOYS; redeploy++) {
    await pass(clock, DAY_MS / (REDEPLOYS + 1));
    bench.put({ timeoutMs: DAY_MS, environment: { REDEPLOY: String(redeploy) } }, `day-${redeploy}`);
    // New clients are served by the new revision, while the stream stays where it began.
    const other = await bench.client();
    const short = bench.call(other);
    let isServed = false;
    void short.then(() => {
      isServed = true;
    });
    await until(() => isServed);
    assert.equal(statusOf(await short).status, "0");
    other.destroy();
    call.write(MESSAGE);
    await until(() => receivedBytes === (redeploy + 1) * MESSAGE.length);
    assert.equal(bench.scheduler.statusOf(KEY)?.serving, `day-${redeploy}`);
  }
  assert.equal(held.length, 1);
  assert.equal(bench.gateway.openCalls, 1);
  assert.equal(goAways, 2, "the connection was asked to go once, for its age, in two steps (RFC 9113 §6.8)");

  // The function's own timeout is a day, and ends it.
  await pass(clock, DAY_MS - clock.nowMs() - 60 * SECOND_MS);
  assert.equal(call.destroyed, false);
  const closed = once(held[0] as ServerHttp2Stream, "close");
  await pass(clock, 61 * SECOND_MS);
  const answer = await answering;
  assert.deepEqual([statusOf(answer).status, statusOf(answer).errorType], ["13", "FunctionTimeout"]);
  assert.equal(answer.body.length, (REDEPLOYS + 1) * MESSAGE.length);
  await closed;
  assert.equal(held[0]?.rstCode, 8);
  const ended = bench.ended.find(({ durationMs }) => durationMs >= DAY_MS);
  assert.ok(ended !== undefined && ended.durationMs < DAY_MS + 10 * SECOND_MS, `${ended?.durationMs} ms`);
  assert.deepEqual(bench.errors, []);
});
