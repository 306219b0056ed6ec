/** Events (InvokeFunction), which go the way of calls. */
import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { InvocationAnswer } from "../model/model.ts";
import { GatewayBench, KEY, MESSAGE } from "./testing/gateway-bench.ts";
import { holding, LocalDriver, type StreamAnswer } from "./testing/local-function.ts";

/** Answers each event with these headers, and `body`, or the event itself. */
function answering(headers: Record<string, string | number>, body?: Buffer): StreamAnswer {
  return async (stream) => {
    const event = await buffer(stream);
    stream.respond(headers);
    stream.end(body ?? event);
  };
}

function invoke(bench: GatewayBench, event: Uint8Array = Buffer.from("event"), signal = new AbortController().signal) {
  return bench.gateway.invoke({ invocationId: 1, function: KEY, requestId: "request-1", event }, signal);
}

function assertAnswered(answer: InvocationAnswer): asserts answer is Extract<InvocationAnswer, { kind: "answered" }> {
  assert.equal(answer.kind, "answered", answer.kind === "fault" ? answer.fault.message : "");
}

test("an event is POST /invoke with the runtime's headers, and its answer comes back with where it ran", async () => {
  let seen: Record<string, unknown> = {};
  const answer = answering({ ":status": 200, "content-type": "text/plain", "x-fc-status": "404" });
  const driver = LocalDriver.http2((stream, headers) => {
    seen = headers;
    answer(stream, headers);
  });
  await using bench = await GatewayBench.start(driver);
  bench.put({ versionId: "3", qualifier: "prod" }, "v3");
  const got = await invoke(bench);
  assertAnswered(got);
  assert.equal(got.httpStatus, 200);
  assert.equal(got.contentType, "text/plain");
  assert.equal(got.fcStatus, "404");
  assert.equal(got.isGrpc, false);
  assert.equal(Buffer.from(got.body).toString(), "event");
  assert.equal(got.run.versionId, "3");
  assert.equal(got.run.instanceId, bench.driver.instances.at(-1)?.id);
  assert.ok(got.run.durationMs >= 0 && got.run.durationMs < 5000);
  const expected = {
    ":method": "POST",
    ":path": "/invoke",
    "content-length": "5",
    "content-type": "application/octet-stream",
    "x-fc-control-path": "/invoke",
    "x-fc-function-name": "f",
    "x-fc-qualifier": "prod",
    "x-fc-request-id": "request-1",
    "x-fc-version-id": "3",
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(seen[name], value, name);
  assert.equal(bench.gateway.openCalls, 0);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
});

test("an event counts as a call: it takes a slot, is metered and logged under the request id of the API", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  bench.put({ instanceConcurrency: 1 }, "one");
  const first = invoke(bench);
  const stream = await next();
  assert.equal(bench.gateway.openCalls, 1);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 1);
  stream.respond({ ":status": 500 });
  stream.end("no");
  assertAnswered(await first);
  const { requestId, method, grpcStatus, cause, instanceId } = bench.ended[0] ?? {};
  assert.deepEqual(
    { requestId, method, grpcStatus, cause },
    { requestId: "request-1", method: "/invoke", grpcStatus: 2, cause: undefined },
  );
  assert.equal(instanceId, bench.driver.instances[0]?.id);
  // A stretch is recorded when the next one begins.
  await wait(5);
  const second = invoke(bench);
  (await next()).respond({ ":status": 200 }, { endStream: true });
  assertAnswered(await second);
  assert.deepEqual(
    bench.usage.map(({ calls }) => calls),
    [1],
  );
});

test("an event of no bytes, and one of 32 MiB with an answer of as many, pass whole", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(answering({ ":status": 200 })));
  const none = await invoke(bench, Buffer.alloc(0));
  assertAnswered(none);
  assert.equal(none.body.length, 0);
  const event = Buffer.alloc(32 * 1024 * 1024);
  for (let i = 0; i < event.length; i += 4096) event.writeUInt32LE(i, i);
  const large = await invoke(bench, event);
  assertAnswered(large);
  assert.ok(event.equals(large.body));
  assert.deepEqual(bench.errors, []);
});

test("an answer ends with trailers as well as with DATA or its head", async () => {
  const driver = LocalDriver.http2((stream, headers) => {
    if (headers["content-length"] === "1") {
      stream.respond({ ":status": 204 }, { endStream: true });
      return;
    }
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-a": "b" }));
    stream.end("body");
  });
  await using bench = await GatewayBench.start(driver);
  const withTrailers = await invoke(bench);
  assertAnswered(withTrailers);
  assert.equal(Buffer.from(withTrailers.body).toString(), "body");
  const headOnly = await invoke(bench, Buffer.alloc(1));
  assertAnswered(headOnly);
  assert.equal(headOnly.httpStatus, 204);
  assert.deepEqual(
    bench.ended.map(({ grpcStatus }) => grpcStatus),
    [0, 0],
  );
});

test("a gRPC server's answer is told as one", async () => {
  const trailersOnly = { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" };
  for (const head of [
    trailersOnly,
    { ":status": 415 },
    { ":status": 405, "content-type": "text/plain", "grpc-status": "13" },
  ]) {
    const driver = LocalDriver.http2((stream) => stream.respond(head, { endStream: true }));
    await using bench = await GatewayBench.start(driver);
    const answer = await invoke(bench);
    assertAnswered(answer);
    assert.equal(answer.isGrpc, true);
  }
});

test("an answer above the limit ends the call, and one above what all answers may take is refused", async () => {
  const tooLarge = Buffer.alloc(32 * 1024 * 1024 + 1);
  await using bench = await GatewayBench.start(LocalDriver.http2(answering({ ":status": 200 }, tooLarge)));
  const answer = await invoke(bench);
  assert.equal(answer.kind === "fault" && answer.fault.errorType, "BadResponse");
  const small = { gateway: { limits: { invocationAnswersMaxBytes: 100 } } };
  await using narrow = await GatewayBench.start(LocalDriver.http2(answering({ ":status": 200 })), {}, small);
  const refused = await invoke(narrow, Buffer.alloc(101));
  assert.equal(refused.kind === "fault" && refused.fault.errorType, "ResourceExhausted");
  assertAnswered(await invoke(narrow, Buffer.alloc(100)));
  assertAnswered(await invoke(narrow, Buffer.alloc(100)));
  assert.deepEqual([...bench.errors, ...narrow.errors], []);
});

test("faults come as those of calls: timeout, exit, a function that is not there; a cancel reaches the function", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const faultOf = (answer: InvocationAnswer) => (answer.kind === "fault" ? answer.fault.errorType : "answered");
  const missing = { invocationId: 1, function: "s/none" as typeof KEY, requestId: "r", event: MESSAGE };
  assert.equal(faultOf(await bench.gateway.invoke(missing, new AbortController().signal)), "Unavailable");

  const crashed = invoke(bench);
  await next();
  bench.driver.instances[0]?.crash({ code: 1 });
  const exited = await crashed;
  assert.equal(faultOf(exited), "FunctionExited");
  assert.notEqual(exited.kind === "fault" && exited.run, undefined);

  const controller = new AbortController();
  const cancelled = invoke(bench, MESSAGE, controller.signal);
  const stream = await next();
  const closed = new Promise((resolve) => stream.once("close", resolve));
  controller.abort();
  assert.equal(faultOf(await cancelled), "ClientCancelled");
  await closed;
  assert.equal(stream.rstCode, 8);

  const slow = LocalDriver.http2(() => {});
  await using short = await GatewayBench.start(slow);
  short.put({ timeoutMs: 50 }, "quick");
  assert.equal(faultOf(await invoke(short)), "FunctionTimeout");
});

test("drain waits for an event that is under way", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const answer = invoke(bench);
  const stream = await next();
  let drained = false;
  const draining = bench.gateway.drain().then(() => {
    drained = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(drained, false);
  stream.respond({ ":status": 200 });
  stream.end("late");
  assertAnswered(await answer);
  await draining;
});
