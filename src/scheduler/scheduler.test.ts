import assert from "node:assert/strict";
import { test } from "node:test";
import { fault, functionKey } from "../model/model.ts";
import { entry, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

test("Scheduler starts an instance for the first call and grants it when HTTP/2 is up", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  assert.equal(bench.driver.started.length, 0);
  const call = bench.call();
  assert.equal(bench.driver.started.length, 1);
  assert.equal(call.answers, 0);
  await bench.ready(0);
  assert.equal(call.instance?.id, bench.started(0).id);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.phase, "ready");
});

test("Scheduler fills an instance before it starts the next, and serves the call that waited longest first", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const calls = [bench.call(), bench.call(), bench.call()];
  assert.equal(bench.driver.started.length, 2);
  await bench.ready(0);
  assert.equal(calls[0]?.instance?.id, bench.started(0).id);
  assert.equal(calls[1]?.instance?.id, bench.started(0).id);
  assert.equal(calls[2]?.answers, 0);
  calls[0]?.end();
  assert.equal(calls[2]?.instance?.id, bench.started(0).id, "late binding: whatever slot is free first");
});

test("Scheduler prefers the fullest instance with a free slot, so that the others go idle", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const calls = [bench.call(), bench.call(), bench.call()];
  await bench.ready(0);
  await bench.ready(1);
  calls[0]?.end();
  calls[1]?.end();
  const next = bench.call();
  assert.equal(next.instance?.id, bench.started(1).id);
});

test("Scheduler never exceeds the peer's MAX_CONCURRENT_STREAMS", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 10 }));
  const calls = [bench.call(), bench.call()];
  await bench.ready(0, 1);
  assert.ok(calls[0]?.instance);
  assert.equal(calls[1]?.instance, undefined);
});

test("instanceSoftConcurrency starts the next instance before the first is full", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 10, instanceSoftConcurrency: 2 }));
  bench.call();
  await bench.ready(0);
  bench.call();
  assert.equal(bench.driver.started.length, 1);
  bench.call();
  assert.equal(bench.driver.started.length, 2, "three calls are above two");
  bench.call();
  assert.equal(bench.driver.started.length, 2, "one is starting already");
});

test("Scheduler answers the call that finds the queue full, and the one that has waited too long at the limit", async () => {
  const bench = new SchedulerBench({ queueCallsMax: 1 });
  bench.scheduler.put(entry("r1", {}, 1));
  bench.call();
  await bench.ready(0);
  const waiting = bench.call();
  const overflow = bench.call();
  assert.equal(overflow.refusal?.errorType, "ResourceExhausted");
  bench.clock.advance(9_900);
  assert.equal(waiting.answers, 0);
  bench.clock.advance(200);
  assert.equal(waiting.refusal?.errorType, "ResourceExhausted");
  assert.equal(bench.driver.started.length, 1);
});

test("maximumInstanceCount 0 blocks a function", () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 0));
  assert.match(bench.call().refusal?.message ?? "", /blocked/);
});

test("a call that was abandoned leaves the queue and gets no slot", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  const gone = bench.call();
  const stays = bench.call();
  bench.scheduler.abandon(KEY, gone);
  await bench.ready(0);
  assert.equal(gone.answers, 0);
  assert.ok(stays.instance);
});

test("a start that fails answers all waiting calls with its reason, then pauses 1, 2, 4 s", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 5 }));
  const calls = [bench.call(), bench.call()];
  assert.equal(bench.driver.started.length, 1);
  bench.started(0).failStart("CAExited", "exited with code 3", "no such module");
  await settle();
  for (const call of calls) {
    assert.equal(call.refusal?.errorType, "CAExited");
    assert.equal(call.refusal?.grpcStatus, 14);
    assert.equal(call.refusal?.message, "function instance did not start: exited with code 3");
  }
  assert.equal(bench.scheduler.statusOf(KEY)?.lastStartFailure?.stderrTail, "no such module");
  assert.match(bench.call().refusal?.message ?? "", /tried again in 1 s/);
  bench.clock.advance(1001);
  bench.call();
  assert.equal(bench.driver.started.length, 2);
  bench.started(1).failStart("CAExited", "again");
  await settle();
  bench.clock.advance(1500);
  assert.match(bench.call().refusal?.message ?? "", /again/);
  bench.clock.advance(600);
  const works = bench.call();
  await bench.ready(2);
  assert.ok(works.instance);
  assert.equal(bench.scheduler.statusOf(KEY)?.lastStartFailure, undefined);
});

test("an instance that does not speak HTTP/2 in time is destroyed, and its start counts as failed", async () => {
  const bench = new SchedulerBench({ startLimitMs: 5000 });
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  bench.started(0).listen();
  await settle();
  bench.clock.advance(5010);
  assert.equal(call.refusal?.errorType, "NotHttp2");
  assert.equal(bench.started(0).destroyed, true);
});

test("a link that finds no HTTP/2 fails the start with its own reason", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  bench.started(0).listen();
  await settle();
  bench.links.get(bench.started(0).id)?.observer.lost(fault("NotHttp2", "it speaks HTTP/1.1"));
  assert.equal(call.refusal?.errorType, "NotHttp2");
});

test("an idle instance is stopped, one that got a call in time is not", async () => {
  const bench = new SchedulerBench({ idleStopMs: 1000 });
  bench.scheduler.put(entry("r1"));
  const first = bench.call();
  await bench.ready(0);
  first.end();
  bench.clock.advance(900);
  const second = bench.call();
  bench.clock.advance(5000);
  assert.equal(bench.started(0).stopped, false);
  second.end();
  bench.clock.advance(1010);
  assert.equal(bench.started(0).stopped, true);
  await bench.exit(0);
  assert.equal(bench.scheduler.instanceCount, 0);
});

test("an instance that exits with calls waiting is replaced", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 1));
  bench.call();
  const link = await bench.ready(0);
  const waiting = bench.call();
  await bench.exit(0);
  assert.equal(link.closed, true);
  assert.equal(bench.driver.started.length, 2);
  await bench.ready(1);
  assert.ok(waiting.instance);
});

test("an instance whose connection is being replaced takes no calls until it is ready again, and is not restarted", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 5 }, 1));
  bench.call();
  const link = await bench.ready(0);
  link.observer.unavailable();
  const waiting = bench.call();
  assert.equal(waiting.answers, 0);
  link.observer.ready(1000);
  assert.ok(waiting.instance);
  assert.equal(bench.driver.started.length, 1);
});

test("a redeploy serves with the old revision until the new one is ready, and cuts no call", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const old = bench.call();
  await bench.ready(0);
  bench.scheduler.put(entry("r2", { instanceConcurrency: 2 }));
  assert.equal(bench.driver.started.length, 2);
  assert.equal(bench.scheduler.statusOf(KEY)?.next?.state, "starting");
  const between = bench.call();
  assert.equal(between.instance?.revision.id, "r1");
  await bench.ready(1);
  assert.equal(bench.scheduler.statusOf(KEY)?.serving, "r2");
  assert.equal(bench.call().instance?.revision.id, "r2");
  assert.equal(bench.started(0).stopped, false);
  old.end();
  assert.equal(bench.started(0).stopped, false);
  between.end();
  assert.equal(bench.started(0).stopped, true);
});

test("a redeploy with nothing running switches at once, without a start", () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(entry("r2"));
  assert.equal(bench.scheduler.statusOf(KEY)?.serving, "r2");
  assert.equal(bench.driver.started.length, 0);
});

test("a revision that fails to start leaves the old one serving, and says why", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 3 }));
  bench.call();
  await bench.ready(0);
  bench.scheduler.put(entry("r2"));
  bench.started(1).failStart("CAFileNotFound", "there is no bootstrap", "tail");
  await settle();
  const status = bench.scheduler.statusOf(KEY);
  assert.equal(status?.serving, "r1");
  assert.equal(status?.next?.state, "failed");
  assert.match(status?.next?.reason ?? "", /there is no bootstrap\ntail/);
  assert.equal(bench.call().instance?.revision.id, "r1");
  bench.scheduler.put(entry("r1", { instanceConcurrency: 3 }));
  assert.equal(bench.scheduler.statusOf(KEY)?.next, undefined);
});

test("a third revision aborts the start of the second", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  bench.call();
  await bench.ready(0);
  bench.scheduler.put(entry("r2"));
  bench.scheduler.put(entry("r3"));
  assert.equal(bench.started(1).destroyed, true);
  await bench.exit(1);
  await bench.ready(2);
  assert.equal(bench.scheduler.statusOf(KEY)?.serving, "r3");
});

test("removing a function refuses waiting calls and lets open ones end", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 1));
  const open = bench.call();
  await bench.ready(0);
  const waiting = bench.call();
  bench.scheduler.remove(KEY);
  assert.equal(waiting.refusal?.errorType, "Unavailable");
  assert.equal(bench.started(0).stopped, false);
  const ending = bench.scheduler.statusOf(KEY);
  assert.equal(ending?.serving, undefined);
  assert.equal(ending?.instances[0]?.phase, "stopping");
  open.end();
  assert.equal(bench.started(0).stopped, true);
  bench.changed.length = 0;
  await bench.exit(0);
  assert.equal(bench.scheduler.instanceCount, 0);
  assert.equal(bench.scheduler.statusOf(KEY), undefined);
  assert.ok(bench.changed.includes(KEY), "that it is gone is told");
});

test("starts take turns: a function with many waiting calls delays another's first start by at most one", async () => {
  const bench = new SchedulerBench({ startsAtOnceMax: 1 });
  const other = functionKey("s", "other");
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(entry("o1", { function: other, functionName: "other" }));
  for (let i = 0; i < 20; i++) bench.call();
  bench.call(other);
  assert.equal(bench.driver.started.length, 1);
  await bench.ready(0);
  await bench.ready(1);
  assert.equal(bench.started(1).spec.function, KEY);
  assert.equal(bench.started(2).spec.function, other);
});

test("Scheduler refuses with Unavailable where no instance fits the memory given to instances", () => {
  const bench = new SchedulerBench({ hostMemoryMb: 256 });
  bench.scheduler.put(entry("r1", { memoryMb: 512 }));
  const call = bench.call();
  assert.equal(call.refusal?.errorType, "Unavailable");
  assert.match(call.refusal?.message ?? "", /512 MB/);
});

test("stopAll() stops every instance and resolves when all are gone; drain() refuses calls", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  bench.call();
  await bench.ready(0);
  bench.scheduler.drain();
  assert.equal(bench.call().refusal?.errorType, "Unavailable");
  let done = false;
  const stopping = bench.scheduler.stopAll(100).then(() => {
    done = true;
  });
  await settle();
  assert.equal(done, false);
  await bench.exit(0);
  await stopping;
  assert.equal(done, true);
});

test("an instance is replaced after replace(): no new calls, stopped when its calls have ended", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 3 }));
  const first = bench.call();
  await bench.ready(0);
  first.instance?.replace();
  const second = bench.call();
  assert.equal(second.instance, undefined);
  assert.equal(bench.driver.started.length, 2);
  first.end();
  assert.equal(bench.started(0).stopped, true);
});
