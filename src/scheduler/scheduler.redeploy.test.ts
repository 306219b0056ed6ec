import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

/** A function with one instance of r1 that has one open call. */
async function serving(more = {}, limits = {}, maximum?: number) {
  const bench = new SchedulerBench(limits);
  bench.scheduler.put(entry("r1", more, maximum));
  const open = bench.call();
  await bench.ready(0);
  return { bench, open };
}

test("a redeploy at maximumInstanceCount starts the new revision beside the old, and its limit is its own", async () => {
  const { bench, open } = await serving({}, {}, 1);
  bench.scheduler.put(entry("r2", {}, 1));
  assert.equal(bench.driver.started.length, 2);
  const waiting = bench.call();
  await bench.ready(1);
  assert.equal(waiting.instance?.revision.id, "r2");
  await bench.exit(1);
  waiting.end();
  bench.call();
  assert.equal(bench.driver.started.length, 3, "the old instance, with its last call, does not count");
  assert.equal(open.instance?.revision.id, "r1");
});

test("a redeploy at the account's limit goes one beyond it, and no further", async () => {
  const { bench } = await serving({}, { instancesMax: 1 });
  bench.scheduler.put(entry("r2"));
  await bench.ready(1);
  bench.call();
  bench.scheduler.put(entry("r3"));
  assert.equal(bench.driver.started.length, 2);
  const status = bench.scheduler.statusOf(KEY);
  assert.equal(status?.next?.state, "starting");
  assert.match(status?.next?.reason ?? "", /waits for room/);
  await bench.exit(0);
  await bench.ready(2);
  assert.equal(bench.scheduler.statusOf(KEY)?.serving, "r3");
});

test("a redeploy without memory for both waits until the old instance is idle, and serves what waits then", async () => {
  const { bench, open } = await serving({}, { hostMemoryMb: 600 });
  bench.scheduler.put(entry("r2"));
  assert.equal(bench.driver.started.length, 1);
  open.end();
  assert.equal(bench.started(0).stopped, true);
  const waiting = bench.call();
  assert.equal(waiting.answers, 0);
  await bench.exit(0);
  assert.equal(bench.started(1).spec.function, KEY);
  await bench.ready(1);
  assert.equal(waiting.instance?.revision.id, "r2");
});

test("the old revision is started again where it crashes during a redeploy that then fails", async () => {
  const { bench, open } = await serving();
  bench.scheduler.put(entry("r2"));
  open.end();
  await bench.exit(0);
  const waiting = bench.call();
  bench.started(1).failStart("CAExited", "exited");
  await settle();
  assert.equal(waiting.answers, 0);
  await bench.ready(2);
  assert.equal(waiting.instance?.revision.id, "r1");
});

test("calls that wait for the start of the old revision are served by the new one when that is ready first", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  const waiting = bench.call();
  bench.scheduler.put(entry("r2"));
  await bench.ready(1);
  assert.equal(waiting.instance?.revision.id, "r2");
  assert.equal(bench.started(0).destroyed, true, "the start of the old one is reaped");
});

test("calls wait for the new revision where the old one fails to start, and get its failure where both fail", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  const waiting = bench.call();
  bench.scheduler.put(entry("r2"));
  bench.started(0).failStart("CAExited", "the old one exited");
  await settle();
  assert.equal(waiting.answers, 0);
  bench.started(1).failStart("CAExited", "the new one exited");
  await settle();
  assert.match(waiting.refusal?.message ?? "", /the new one exited/);
});

test("a revision that never worked is not kept where the newer one fails as well: calls try the newer one again", async () => {
  for (const oldFailsFirst of [true, false]) {
    const bench = new SchedulerBench();
    bench.scheduler.put(entry("r1"));
    bench.call();
    bench.scheduler.put(entry("r2"));
    for (const nth of oldFailsFirst ? [0, 1] : [1, 0]) {
      bench.started(nth).failStart("CAExited", `of start ${nth}`);
      await settle();
    }
    assert.equal(bench.scheduler.statusOf(KEY)?.serving, "r2");
    bench.clock.advance(1000);
    const call = bench.call();
    await bench.ready(2);
    assert.equal(call.instance?.revision.id, "r2");
  }
});

test("a revision that failed to start is not tried again by calls, but by the next put of it", async () => {
  const { bench } = await serving({ instanceConcurrency: 5 });
  bench.scheduler.put(entry("r2"));
  bench.started(1).failStart("CAExited", "exited");
  await settle();
  bench.call();
  bench.clock.advance(100_000);
  assert.equal(bench.driver.started.length, 2);
  bench.scheduler.put(entry("r2"));
  assert.equal(bench.driver.started.length, 3);
});

test("a redeploy given up before its turn starts nothing", async () => {
  const { bench, open } = await serving({ instanceConcurrency: 2 }, { startsAtOnceMax: 1 });
  bench.scheduler.put(entry("r2"));
  bench.scheduler.put(entry("r3"));
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const startedBefore = bench.driver.started.length;
  for (let i = 1; i < startedBefore; i++) await bench.exit(i);
  open.end();
  bench.clock.advance(20_000);
  assert.equal(bench.driver.started.length, startedBefore);
  assert.equal(bench.scheduler.statusOf(KEY)?.next, undefined);
  assert.equal(bench.call().instance?.revision.id, "r1");
});

test("the same revision with another limit starts and stops nothing", async () => {
  const { bench } = await serving();
  bench.scheduler.put(entry("r1", {}, 7));
  assert.equal(bench.driver.started.length, 1);
  assert.equal(bench.started(0).stopped, false);
});

test("removing a function gives up the starts that it waits for, and putting it again serves it anew", async () => {
  const bench = new SchedulerBench({ startsAtOnceMax: 1 });
  bench.scheduler.put(entry("r1"));
  const calls = [bench.call(), bench.call()];
  bench.scheduler.remove(KEY);
  for (const call of calls) assert.equal(call.refusal?.errorType, "Unavailable");
  assert.equal(bench.started(0).destroyed, true);
  await bench.exit(0);
  bench.clock.advance(20_000);
  assert.equal(bench.driver.started.length, 1);
  bench.scheduler.put(entry("r1"));
  const again = bench.call();
  await bench.ready(1);
  assert.ok(again.instance);
});

test("a function put again while instances of the removed one end shows both, and serves with its own", async () => {
  const { bench, open } = await serving();
  bench.scheduler.remove(KEY);
  bench.scheduler.put(entry("r2"));
  const call = bench.call();
  await bench.ready(1);
  assert.equal(call.instance?.revision.id, "r2");
  const phases = bench.scheduler.statusOf(KEY)?.instances.map((instance) => instance.phase);
  assert.deepEqual(phases, ["ready", "stopping"]);
  open.end();
  await bench.exit(0);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances.length, 1);
});

test("after drain() and stopAll() nothing is started, also what was waiting for its turn or to be redeployed", async () => {
  const { bench } = await serving({}, { startsAtOnceMax: 1 });
  const waiting = [bench.call(), bench.call()];
  bench.scheduler.put(entry("r2"));
  const startedBefore = bench.driver.started.length;
  const stopping = bench.scheduler.stopAll(1000);
  for (const call of waiting) assert.equal(call.refusal?.errorType, "Unavailable");
  for (let i = 0; i < startedBefore; i++) await bench.exit(i);
  await stopping;
  bench.scheduler.put(entry("r3"));
  bench.clock.advance(60_000);
  assert.equal(bench.driver.started.length, startedBefore);
  assert.equal(bench.scheduler.instanceCount, 0);
});

test("removing a function reaps the start of its newer revision", async () => {
  const { bench } = await serving();
  bench.scheduler.put(entry("r2"));
  bench.scheduler.remove(KEY);
  assert.equal(bench.started(1).destroyed, true);
});

test("a newer revision that takes less room serves at once what the old one had no room for", async () => {
  const { bench } = await serving({ memoryMb: 700 }, { hostMemoryMb: 1300 });
  bench.call();
  bench.call();
  assert.equal(bench.driver.started.length, 1);
  bench.scheduler.put(entry("r2", { memoryMb: 300 }));
  await bench.ready(1);
  assert.equal(bench.driver.started.length, 3);
  assert.equal(bench.started(2).spec.memoryMb, 300);
});

test("a redeploy of a redeploy that is starting, with the old revision gone and calls waiting, starts only the newest", async () => {
  const { bench, open } = await serving({}, { startsAtOnceMax: 1 });
  bench.scheduler.put(entry("r2"));
  open.end();
  await bench.exit(0);
  const waiting = bench.call();
  const before = bench.driver.started.length;
  bench.scheduler.put(entry("r3"));
  const started = bench.driver.started.slice(before).map((instance) => instance.id);
  const ids = bench.scheduler.statusOf(KEY)?.instances.filter((each) => started.includes(each.instanceId));
  assert.deepEqual(
    ids?.map((each) => each.revisionId),
    ["r3"],
  );
  assert.equal(waiting.answers, 0);
});
