import assert from "node:assert/strict";
import { test } from "node:test";
import type { HealthCheck } from "../model/model.ts";
import type { InstanceAnswer } from "./scheduler.ts";
import { entry, type FakeLink, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

const INITIALIZE = { hooks: { initialize: { timeoutMs: 3000 } } };
const CHECK: HealthCheck = {
  path: "/health",
  initialDelayMs: 0,
  periodMs: 3000,
  timeoutMs: 1000,
  failureThreshold: 2,
  successThreshold: 1,
};

function http(httpStatus: number): InstanceAnswer {
  return { kind: "answered", ok: httpStatus < 300, httpStatus, detail: "" };
}

/** A bench whose links answer with what `answer` says. */
class FitnessBench extends SchedulerBench {
  answer: FakeLink["answer"] = () => http(200);

  override open(...given: Parameters<SchedulerBench["open"]>): FakeLink {
    const link = super.open(...given);
    link.answer = (question) => this.answer(question);
    return link;
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }

  async up(index: number): Promise<FakeLink> {
    const link = await this.ready(index);
    await settle();
    return link;
  }

  get phase(): string | undefined {
    return this.scheduler.statusOf(KEY)?.instances[0]?.phase;
  }
}

test("POST /initialize is asked once, before the first call", async () => {
  const bench = new FitnessBench();
  const answer = Promise.withResolvers<InstanceAnswer>();
  bench.answer = () => answer.promise;
  bench.scheduler.put(entry("r1", INITIALIZE));
  const call = bench.call();
  const link = await bench.up(0);
  assert.deepEqual(link.questions, [
    { kind: "http", method: "POST", path: "/initialize", controlPath: "/initialize", timeoutMs: 3000 },
  ]);
  assert.equal(call.answers, 0);
  assert.equal(bench.phase, "starting");
  answer.resolve(http(200));
  await settle();
  assert.ok(call.instance);
  await bench.pass(60_000);
  assert.equal(link.questions.length, 1);
});

for (const [name, answer, message] of [
  ["is answered with 500", http(500), /did not start: POST \/initialize was answered with HTTP 500/],
  [
    "takes too long",
    { kind: "failed", detail: "no answer within 3 s" },
    /POST \/initialize failed: no answer within 3 s/,
  ],
] as const) {
  test(`an /initialize that ${name} is a failed start: the call is told, and the next start waits`, async () => {
    const bench = new FitnessBench();
    bench.answer = () => answer;
    bench.scheduler.put(entry("r1", INITIALIZE));
    const call = bench.call();
    await bench.up(0);
    assert.equal(call.refusal?.errorType, "InitializeFailed");
    assert.match(call.refusal?.message ?? "", message);
    assert.equal(bench.started(0).destroyed, true);
    assert.equal(bench.call().refusal?.errorType, "InitializeFailed");
    assert.equal(bench.driver.started.length, 1);
    await bench.pass(1100);
    bench.call();
    assert.equal(bench.driver.started.length, 2);
  });
}

test("an instance that dies during /initialize failed to start", async () => {
  const bench = new FitnessBench();
  bench.answer = () => new Promise(() => {});
  bench.scheduler.put(entry("r1", INITIALIZE));
  const call = bench.call();
  await bench.up(0);
  await bench.exit(0);
  assert.equal(call.refusal?.errorType, "CAExited");
});

test("a hook that is not served is told once, and is no failure", async () => {
  const bench = new FitnessBench();
  bench.answer = () => ({ kind: "notServed", detail: "HTTP 415" });
  bench.scheduler.put(entry("r1", INITIALIZE));
  const calls = [bench.call(), bench.call()];
  await bench.up(0);
  await bench.up(1);
  assert.ok(calls.every((call) => call.instance !== undefined));
  assert.deepEqual(bench.remarks, ["POST /initialize is switched on, but the function does not serve it: HTTP 415"]);
});

test("the first health check comes after /initialize and before the first call; a bad verdict is a failed start", async () => {
  const bench = new FitnessBench();
  bench.answer = (question) => (question.kind === "http" && question.path === "/health" ? http(503) : http(200));
  bench.scheduler.put(entry("r1", { ...INITIALIZE, healthCheck: { ...CHECK, initialDelayMs: 5000 } }));
  const call = bench.call();
  const link = await bench.up(0);
  assert.equal(link.questions.length, 1);
  await bench.pass(5010);
  assert.equal(link.questions.length, 2);
  assert.equal(call.answers, 0, "one failure of two");
  await bench.pass(3010);
  assert.equal(call.refusal?.errorType, "HealthCheckFailed");
  assert.match(call.refusal?.message ?? "", /GET \/health was answered with HTTP 503/);
});

test("an unhealthy instance gets no new calls until it is healthy again; those on it go on", async () => {
  const bench = new FitnessBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2, healthCheck: CHECK }));
  const open = bench.call();
  await bench.pass(0);
  await bench.up(0);
  await bench.pass(10);
  assert.ok(open.instance);
  bench.answer = () => http(404);
  await bench.pass(3010);
  assert.equal(bench.phase, "ready");
  await bench.pass(3010);
  assert.equal(bench.phase, "unhealthy");
  const next = bench.call();
  assert.equal(next.answers, 0);
  assert.equal(bench.driver.started.length, 2, "another is started");
  assert.equal(bench.started(0).stopped, false);
  bench.answer = () => http(302);
  await bench.pass(3010);
  assert.equal(next.instance?.id, bench.started(0).id, "healthy again");
  assert.ok(
    bench.remarks.some((words) => /unhealthy/.test(words)) && bench.remarks.some((words) => /again/.test(words)),
  );
});

test("each change of an instance's health is told, with the instance", async () => {
  const bench = new FitnessBench();
  bench.scheduler.put(entry("r1", { healthCheck: { ...CHECK, failureThreshold: 1, successThreshold: 1 } }));
  bench.call();
  await bench.up(0);
  await bench.pass(10);
  for (const status of [500, 200, 500, 200]) {
    bench.answer = () => http(status);
    await bench.pass(3010);
  }
  const words = ["is unhealthy and gets no new calls: GET /health was answered with HTTP 500", "is healthy again"].map(
    (each) => `instance ${bench.started(0).id} ${each}`,
  );
  assert.deepEqual(bench.remarks, [...words, ...words]);
});

test("with every instance unhealthy at the limit a call is told so", async () => {
  const bench = new FitnessBench();
  bench.scheduler.put(entry("r1", { healthCheck: CHECK }, 1));
  const first = bench.call();
  await bench.up(0);
  await bench.pass(10);
  first.end();
  bench.answer = () => http(500);
  const busy = bench.call();
  for (let count = 0; count < 2; count++) await bench.pass(3010);
  busy.end();
  const call = bench.call();
  await bench.pass(10_100);
  assert.equal(call.refusal?.errorType, "HealthCheckFailed");
});

test("nothing is asked of a frozen instance, and its health is looked at again after it woke up", async () => {
  const bench = new FitnessBench();
  bench.scheduler.put(entry("r1", { healthCheck: CHECK }));
  const call = bench.call();
  const link = await bench.up(0);
  await bench.pass(10);
  call.end();
  await bench.pass(1100);
  assert.equal(bench.phase, "frozen");
  const asked = link.questions.length;
  await bench.pass(60_000);
  assert.equal(link.questions.length, asked);
  bench.call();
  await settle();
  await bench.pass(3010);
  assert.equal(link.questions.length, asked + 1);
});

test("a function that resets the GET is asked for grpc.health.v1 (gRPC's C core), and fails where that fails too", async () => {
  const answers = {
    serves: { kind: "answered", ok: true, httpStatus: 200, detail: "SERVING" },
    lacks: { kind: "notServed", detail: "" },
    breaks: { kind: "failed", detail: "reset" },
  } as const satisfies Record<string, InstanceAnswer>;
  for (const [name, grpcHealth] of Object.entries(answers)) {
    const bench = new FitnessBench();
    bench.answer = (question) => (question.kind === "http" ? { kind: "failed", detail: "no head" } : grpcHealth);
    bench.scheduler.put(entry("r1", { healthCheck: { ...CHECK, failureThreshold: 1 } }));
    const call = bench.call();
    const link = await bench.up(0);
    await bench.pass(10);
    assert.equal(call.refusal?.errorType, name === "breaks" ? "HealthCheckFailed" : undefined);
    if (name === "breaks") assert.match(call.refusal?.message ?? "", /GET \/health failed: no head/);
    await bench.pass(3010);
    assert.equal(link.questions.length, name === "serves" ? 3 : 2);
    assert.equal(bench.remarks.length, name === "lacks" ? 1 : 0);
  }
});

test("a function that answers the GET with gRPC is asked for grpc.health.v1, and one without either is left in peace", async () => {
  for (const servesHealth of [true, false]) {
    const bench = new FitnessBench();
    let serving = true;
    bench.answer = (question) => {
      if (question.kind === "http" || !servesHealth) return { kind: "notServed", detail: "" };
      return { kind: "answered", ok: serving, httpStatus: 200, detail: serving ? "SERVING" : "NOT_SERVING" };
    };
    bench.scheduler.put(entry("r1", { healthCheck: CHECK }));
    const call = bench.call();
    const link = await bench.up(0);
    await bench.pass(10);
    assert.ok(call.instance);
    serving = false;
    await bench.pass(3010);
    await bench.pass(3010);
    assert.equal(bench.phase, servesHealth ? "unhealthy" : "ready");
    assert.equal(link.questions.length, servesHealth ? 4 : 2);
    assert.equal(bench.remarks.length, 1);
  }
});
