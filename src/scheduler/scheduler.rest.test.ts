import assert from "node:assert/strict";
import { test } from "node:test";
import { functionKey, type Revision } from "../model/model.ts";
import { entry, type FakeLink, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

const PRE_FREEZE = { hooks: { preFreeze: { timeoutMs: 2000 } } };
const PRE_STOP = { hooks: { preStop: { timeoutMs: 2000 } } };

/** A function with one instance that has served one call, and nothing to do. */
async function idle(more: Partial<Revision> = {}): Promise<{ bench: SchedulerBench; link: FakeLink }> {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", more));
  const call = bench.call();
  const link = await bench.ready(0);
  call.end();
  return { bench, link };
}

async function pass(bench: SchedulerBench, ms: number): Promise<void> {
  bench.clock.advance(ms);
  await settle();
}

function phase(bench: SchedulerBench): string | undefined {
  return bench.scheduler.statusOf(KEY)?.instances[0]?.phase;
}

test("an idle instance is frozen after 1 s, its connection first, and stopped after 300 s", async () => {
  const { bench, link } = await idle();
  await pass(bench, 990);
  assert.equal(bench.started(0).freezeCount, 0);
  await pass(bench, 20);
  assert.equal(bench.started(0).isFrozen, true);
  assert.equal(link.suspended, true);
  assert.equal(phase(bench), "frozen");
  await pass(bench, 298_000);
  assert.equal(bench.started(0).stopped, false);
  await pass(bench, 1100);
  assert.equal(bench.started(0).stopped, true);
});

test("a call wakes a frozen instance, and is sent once its connection is proved; none is started", async () => {
  const { bench, link } = await idle();
  await pass(bench, 1100);
  const proof = Promise.withResolvers<boolean>();
  link.prove = () => proof.promise;
  const call = bench.call();
  await settle();
  assert.equal(bench.started(0).thawCount, 1);
  assert.equal(link.suspended, false);
  assert.equal(call.answers, 0, "not before the proof");
  proof.resolve(true);
  await settle();
  assert.equal(call.instance?.id, bench.started(0).id);
  assert.equal(bench.driver.started.length, 1);
  call.end();
  await pass(bench, 1100);
  assert.equal(bench.started(0).isFrozen, true, "and it falls asleep again");
});

test("calls that come and go put the freeze off", async () => {
  const { bench } = await idle();
  for (let count = 0; count < 10; count++) {
    await pass(bench, 600);
    bench.call().end();
  }
  assert.equal(bench.started(0).freezeCount, 0);
  await pass(bench, 1100);
  assert.equal(bench.started(0).freezeCount, 1);
});

test("an instance that does not wake up is destroyed, and the call gets another", async () => {
  const { bench, link } = await idle();
  await pass(bench, 1100);
  link.prove = () => false;
  const call = bench.call();
  await settle();
  assert.equal(bench.started(0).destroyed, true);
  assert.equal(bench.driver.started.length, 2);
  await bench.ready(1);
  assert.equal(call.instance?.id, bench.started(1).id);
});

test("waking is bounded in time", async () => {
  const { bench, link } = await idle();
  await pass(bench, 1100);
  link.prove = () => new Promise(() => {});
  bench.call();
  await settle();
  assert.equal(bench.started(0).destroyed, false);
  await pass(bench, 5100);
  assert.equal(bench.started(0).destroyed, true);
  assert.equal(bench.driver.started.length, 2);
});

test("a call during the freeze ends it", async () => {
  const { bench } = await idle();
  bench.started(0).freezesSlowly = true;
  await pass(bench, 1100);
  assert.equal(bench.started(0).isFrozen, false);
  const call = bench.call();
  await settle();
  assert.ok(call.instance);
  assert.equal(bench.started(0).isFrozen, false);
});

test("an instance that cannot be frozen takes calls, and is not frozen again", async () => {
  const { bench, link } = await idle();
  bench.started(0).freezeFault = "no such group";
  await pass(bench, 1100);
  assert.equal(link.suspended, false);
  assert.match(bench.remarks.join(), /cannot be frozen: no such group/);
  const call = bench.call();
  assert.ok(call.instance);
  call.end();
  await pass(bench, 5000);
  assert.equal(bench.started(0).freezeCount, 1);
});

test("/pre-freeze is asked first; a call meanwhile is served and puts the freeze off", async () => {
  const { bench, link } = await idle(PRE_FREEZE);
  const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  link.answer = async () => {
    await answers[link.questions.length - 1]?.promise;
    return { kind: "answered", ok: true, httpStatus: 200, detail: "" };
  };
  await pass(bench, 1100);
  assert.deepEqual(link.questions, [
    { kind: "http", method: "GET", path: "/pre-freeze", controlPath: "/pre-freeze", timeoutMs: 2000 },
  ]);
  const call = bench.call();
  assert.ok(call.instance, "the instance runs");
  call.end();
  answers[0]?.resolve();
  await settle();
  assert.equal(bench.started(0).freezeCount, 0, "it was not idle for long");
  await pass(bench, 300_000);
  assert.equal(link.questions.length, 2);
});

test("a /pre-freeze that fails is told, and it is frozen all the same", async () => {
  const { bench, link } = await idle(PRE_FREEZE);
  link.answer = () => ({ kind: "answered", ok: false, httpStatus: 500, detail: "" });
  await pass(bench, 1100);
  assert.deepEqual(bench.remarks, ["GET /pre-freeze was answered with HTTP 500"]);
  assert.equal(bench.started(0).isFrozen, true);
});

test("/pre-stop is asked of a frozen instance once it runs again, and then it is stopped", async () => {
  const { bench, link } = await idle(PRE_STOP);
  const answer = Promise.withResolvers<void>();
  link.answer = async () => {
    await answer.promise;
    return { kind: "answered", ok: true, httpStatus: 200, detail: "" };
  };
  await pass(bench, 1100);
  assert.equal(bench.started(0).isFrozen, true);
  await pass(bench, 300_000);
  assert.equal(bench.started(0).isFrozen, false);
  assert.deepEqual(
    link.questions.map((question) => (question.kind === "http" ? question.path : "")),
    ["/pre-stop"],
  );
  assert.equal(bench.started(0).stopped, false);
  const call = bench.call();
  assert.equal(call.instance, undefined, "what has said goodbye serves no more");
  assert.equal(bench.driver.started.length, 2);
  answer.resolve();
  await settle();
  assert.equal(bench.started(0).stopped, true);
});

test("/pre-stop is asked when the last call of an old revision has ended", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", PRE_STOP));
  const call = bench.call();
  const link = await bench.ready(0);
  bench.scheduler.put(entry("r2"));
  await bench.ready(1);
  assert.equal(link.questions.length, 0);
  call.end();
  await settle();
  assert.equal(link.questions.length, 1);
  assert.equal(bench.started(0).stopped, true);
});

test("an instance that exits while it is asked for /pre-stop is gone as expected", async () => {
  const { bench, link } = await idle(PRE_STOP);
  link.answer = () => new Promise(() => {});
  bench.scheduler.remove(KEY);
  await bench.exit(0);
  assert.deepEqual(bench.exits, [true]);
  assert.equal(bench.scheduler.instanceCount, 0);
});

test("several frozen instances: as many are woken as the calls need, the longest alive first", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const calls = [...Array(6).keys()].map(() => bench.call());
  for (const index of [0, 1, 2]) {
    bench.clock.advance(10);
    await bench.ready(index);
  }
  for (const call of calls) call.end();
  await pass(bench, 1100);
  assert.deepEqual(
    bench.driver.started.map((instance) => instance.isFrozen),
    [true, true, true],
  );
  const again = [bench.call(), bench.call(), bench.call()];
  await settle();
  assert.deepEqual(
    bench.driver.started.map((instance) => instance.isFrozen),
    [false, false, true],
  );
  assert.ok(again.every((call) => call.instance !== undefined));
  assert.equal(bench.driver.started.length, 3);
});

test("instanceSoftConcurrency wakes nobody where there is no call", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 3, instanceSoftConcurrency: 2 }));
  const call = bench.call();
  await bench.ready(0);
  call.end();
  await pass(bench, 1100);
  await pass(bench, 60_000);
  assert.equal(bench.started(0).isFrozen, true);
  assert.equal(bench.started(0).thawCount, 0);
  assert.equal(bench.driver.started.length, 1);
});

test("the instance that instanceSoftConcurrency had started early sleeps, and is neither woken nor stopped for nothing", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 3, instanceSoftConcurrency: 1 }));
  const calls = [bench.call()];
  await bench.ready(0);
  calls.push(bench.call());
  assert.equal(bench.driver.started.length, 2);
  await bench.ready(1);
  for (let passed = 0; passed < 700; passed++) await pass(bench, 1000);
  const spare = bench.started(1);
  assert.deepEqual([spare.freezeCount, spare.thawCount, spare.stopped], [1, 0, false]);
  assert.equal(bench.driver.started.length, 2);
  for (const call of calls) call.end();
  for (let passed = 0; passed < 700; passed++) await pass(bench, 1000);
  assert.equal(spare.stopped && bench.started(0).stopped, true);
});

test("a frozen instance makes room for another function, and dies in its sleep without harm", async () => {
  const other = functionKey("s", "other");
  const bench = new SchedulerBench({ instancesMax: 1 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(entry("r2", { function: other }));
  const first = bench.call();
  await bench.ready(0);
  first.end();
  await pass(bench, 1100);
  const waiting = bench.call(other);
  assert.equal(bench.started(0).stopped, true);
  await bench.exit(0);
  await bench.ready(1);
  assert.ok(waiting.instance);
  waiting.end();
  await pass(bench, 1100);
  assert.equal(bench.started(1).isFrozen, true);
  await bench.exit(1);
  assert.ok(bench.call(other));
  assert.equal(bench.driver.started.length, 3);
});
