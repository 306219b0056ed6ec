import assert from "node:assert/strict";
import { test } from "node:test";
import { fault, functionKey } from "../model/model.ts";
import { entry, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

const OTHER = functionKey("s", "other");

function otherEntry(more = {}) {
  return entry("o1", { function: OTHER, functionName: "other", ...more });
}

test("functions together never go past the account's instances, also with starts that wait for their turn", async () => {
  const bench = new SchedulerBench({ instancesMax: 3, startsAtOnceMax: 1 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  for (let i = 0; i < 5; i++) {
    bench.call();
    bench.call(OTHER);
  }
  for (let i = 0; i < 3; i++) await bench.ready(i);
  assert.equal(bench.driver.started.length, 3);
  bench.clock.advance(5000);
  assert.equal(bench.driver.started.length, 3);
});

test("functions together never go past the host's memory", async () => {
  const bench = new SchedulerBench({ hostMemoryMb: 1500, startsAtOnceMax: 1 });
  bench.scheduler.put(entry("r1", { memoryMb: 512 }));
  bench.scheduler.put(otherEntry({ memoryMb: 512 }));
  bench.call();
  const served = bench.call(OTHER);
  const third = bench.call(OTHER);
  await bench.ready(0);
  await bench.ready(1);
  assert.equal(bench.driver.started.length, 2);
  assert.equal(third.answers, 0, "it waits for a slot: its function has an instance");
  served.end();
  assert.ok(third.instance);
});

test("a call that waits at the account's limit is served when another function's instance is gone", async () => {
  const bench = new SchedulerBench({ instancesMax: 1 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  bench.call();
  await bench.ready(0);
  const waiting = bench.call(OTHER);
  assert.equal(bench.driver.started.length, 1);
  await bench.exit(0);
  assert.equal(bench.driver.started.length, 2);
  await bench.ready(1);
  assert.ok(waiting.instance);
});

test("who had no room when it was its turn has the room that an instance leaves, before others have a second start", async () => {
  const bench = new SchedulerBench({ hostMemoryMb: 1500, startsAtOnceMax: 2 });
  const third = functionKey("s", "third");
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  bench.scheduler.put(entry("t1", { function: third, functionName: "third", memoryMb: 128 }));
  bench.call(OTHER);
  await bench.ready(0);
  bench.call();
  const waiting = bench.call(OTHER);
  for (let i = 0; i < 3; i++) bench.call(third);
  bench.started(1).listen();
  await settle();
  await bench.exit(1);
  await bench.ready(2);
  const started = bench.driver.started.map(({ spec }) => spec.function);
  assert.deepEqual(started, [OTHER, KEY, third, OTHER, third]);
  await bench.ready(3);
  assert.ok(waiting.instance);
});

test("an idle instance of another function makes room, one with a call does not", async () => {
  const bench = new SchedulerBench({ hostMemoryMb: 512 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  const busy = bench.call();
  await bench.ready(0);
  assert.equal(bench.call(OTHER).refusal?.errorType, "Unavailable");
  assert.equal(bench.started(0).stopped, false);
  busy.end();
  assert.equal(bench.started(0).stopped, false, "nothing waits for room");
  const waiting = bench.call(OTHER);
  assert.equal(bench.started(0).stopped, true);
  assert.equal(bench.driver.started.length, 1, "the room is free when the instance is gone, not before");
  await bench.exit(0);
  await bench.ready(1);
  assert.ok(waiting.instance);
});

test("an instance that connects anew, with a call waiting for it, makes room for nobody", async () => {
  const bench = new SchedulerBench({ instancesMax: 1 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  const first = bench.call();
  const { observer } = await bench.ready(0);
  first.end();
  observer.unavailable();
  const waiting = bench.call();
  bench.call(OTHER);
  assert.equal(bench.started(0).stopped, false);
  observer.ready(1);
  assert.equal(waiting.instance?.id, bench.started(0).id);
});

test("a call that waits for room gets it as soon as an instance becomes idle", async () => {
  const bench = new SchedulerBench({ instancesMax: 1 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  const busy = bench.call();
  await bench.ready(0);
  const waiting = bench.call(OTHER);
  bench.clock.advance(5000);
  busy.end();
  assert.equal(bench.started(0).stopped, true);
  await bench.exit(0);
  await bench.ready(1);
  assert.ok(waiting.instance);
});

test("an instance that just came up serves the call that it was started for, though others wait for room", async () => {
  const bench = new SchedulerBench({ instancesMax: 1 });
  bench.scheduler.put(entry("r1"));
  bench.scheduler.put(otherEntry());
  const first = bench.call();
  bench.call(OTHER);
  await bench.ready(0);
  assert.ok(first.instance);
  assert.equal(bench.started(0).stopped, false);
});

test("a refusal after the wait names the limit: of the function, of the account, of the memory", async () => {
  const messages: (string | undefined)[] = [];
  for (const [limits, maximum] of [
    [{}, 1],
    [{ instancesMax: 1 }, undefined],
    [{ hostMemoryMb: 600 }, undefined],
  ] as const) {
    const bench = new SchedulerBench(limits);
    bench.scheduler.put(entry("r1", {}, maximum));
    bench.call();
    await bench.ready(0);
    const waiting = bench.call();
    bench.clock.advance(10_100);
    messages.push(`${waiting.refusal?.errorType}: ${waiting.refusal?.message}`);
  }
  assert.match(messages[0] ?? "", /^ResourceExhausted: no slot became free within 10 s: .* maximumInstanceCount/);
  assert.match(messages[1] ?? "", /^ResourceExhausted: .* 1 instances/);
  assert.match(messages[2] ?? "", /^Unavailable: .* 512 MB within the 600 MB/);
});

test("a call that waited for a start that ended has 10 s from there, not none", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 1));
  bench.call();
  const waiting = bench.call();
  bench.clock.advance(50_000);
  await bench.ready(0);
  bench.clock.advance(9_900);
  assert.equal(waiting.answers, 0);
  bench.clock.advance(200);
  assert.equal(waiting.refusal?.errorType, "ResourceExhausted");
});

test("a call waits as long as a start may take, while one is under way", async () => {
  const bench = new SchedulerBench({ startLimitMs: 30_000 });
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  bench.clock.advance(29_000);
  assert.equal(call.answers, 0);
  await bench.ready(0);
  assert.ok(call.instance);
});

test("the driver may say why a start took too long: its words win over ours", async () => {
  const bench = new SchedulerBench({ startLimitMs: 30_000 });
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  bench.clock.advance(30_100);
  assert.equal(call.answers, 0);
  bench.started(0).failStart("FunctionNotStarted", "listens on 50051, but caPort is 9000");
  await settle();
  assert.match(call.refusal?.message ?? "", /50051/);
});

test("calls in a pause beside a busy instance wait, and a start is tried again when the pause is over", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  bench.call();
  await bench.ready(0);
  const waiting = bench.call();
  bench.started(1).failStart("CAExited", "exited");
  await settle();
  assert.equal(waiting.answers, 0, "the busy instance may serve it");
  bench.clock.advance(900);
  assert.equal(bench.driver.started.length, 2);
  bench.clock.advance(200);
  assert.equal(bench.driver.started.length, 3);
  await bench.ready(2);
  assert.ok(waiting.instance);
});

test("starts that wait for their turn are not begun for a function whose starts fail", async () => {
  const bench = new SchedulerBench({ startsAtOnceMax: 1 });
  bench.scheduler.put(entry("r1"));
  const calls = [bench.call(), bench.call(), bench.call()];
  bench.started(0).failStart("CAExited", "exited");
  await settle();
  assert.equal(bench.driver.started.length, 1);
  for (const call of calls) assert.equal(call.refusal?.errorType, "CAExited");
});

test("an instance that exits right before its start is reported failed fails the start with the driver's reason", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  bench.started(0).exit({ code: 3 });
  await settle();
  assert.equal(call.refusal?.errorType, "CAExited");
  assert.equal(bench.scheduler.instanceCount, 0);
});

test("a link that cannot be opened fails the start, and nothing else", async () => {
  const bench = new SchedulerBench();
  bench.open = () => {
    throw new Error("no link");
  };
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  bench.started(0).listen();
  await settle();
  assert.equal(call.refusal?.errorType, "Internal");
  assert.equal(bench.started(0).destroyed, true);
});

test("instances are started by what one takes at once where the peer allows fewer streams than configured", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 10 }));
  for (let i = 0; i < 6; i++) bench.call();
  assert.equal(bench.driver.started.length, 1);
  await bench.ready(0, 2);
  assert.equal(bench.driver.started.length, 3, "four wait, two a time");
});

test("an instance whose peer allows no stream is not ready, and no more are started for it", async () => {
  const bench = new SchedulerBench({ startLimitMs: 5000 });
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  const link = await bench.ready(0, 0);
  assert.equal(call.answers, 0);
  assert.equal(bench.driver.started.length, 1);
  link.observer.ready(1);
  assert.ok(call.instance);
});

test("load gathers on the oldest instances: with little traffic the others become idle", async () => {
  const bench = new SchedulerBench({ idleStopMs: 60_000 });
  bench.scheduler.put(entry("r1"));
  const burst = [bench.call(), bench.call(), bench.call()];
  for (let i = 0; i < 3; i++) await bench.ready(i);
  for (const call of burst) call.end();
  for (let i = 0; i < 10; i++) {
    bench.clock.advance(7000);
    const call = bench.call();
    assert.equal(call.instance?.id, bench.started(0).id);
    call.end();
  }
  assert.deepEqual(
    bench.driver.started.map((instance) => instance.stopped),
    [false, true, true],
  );
});

test("maximumInstanceCount 0 refuses calls though an instance has slots, and open ones end in their time", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const open = bench.call();
  await bench.ready(0);
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }, 0));
  assert.match(bench.call().refusal?.message ?? "", /maximumInstanceCount is 0/);
  assert.equal(bench.started(0).stopped, false);
  assert.ok(open.instance);
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  assert.ok(bench.call().instance);
});

test("a call whose wait ends while one start after the other fails is told why they fail", async () => {
  const bench = new SchedulerBench({ startLimitMs: 5000 });
  bench.scheduler.put(entry("r1"));
  bench.call();
  bench.clock.advance(4000);
  const call = bench.call();
  bench.clock.advance(1000);
  await settle();
  assert.equal(call.answers, 0, "its own start goes on");
  bench.clock.advance(3900);
  bench.call();
  bench.clock.advance(1000);
  await settle();
  bench.clock.advance(100);
  assert.equal(call.refusal?.errorType, "FunctionNotStarted");
});

test("a higher maximumInstanceCount serves at once what waits", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 1));
  bench.call();
  await bench.ready(0);
  const waiting = bench.call();
  bench.scheduler.put(entry("r1", {}, 2));
  await bench.ready(1);
  assert.ok(waiting.instance);
});

test("a call that fails when it is given its slot hurts no other, and is answered Internal", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 1));
  const open = bench.call();
  await bench.ready(0);
  const broken = bench.call();
  const behind = bench.call();
  broken.granted = (instance) => {
    instance.release();
    throw new Error("a bug");
  };
  open.end();
  assert.equal(broken.refusal?.errorType, "Internal");
  assert.ok(behind.instance);
});

test("an instance that is lost while it serves counts as a crash, a stopped one as expected", async () => {
  const bench = new SchedulerBench({ idleStopMs: 1000 });
  bench.scheduler.put(entry("r1"));
  const call = bench.call();
  const link = await bench.ready(0);
  link.observer.lost(fault("FunctionUnresponsive", "no answer to PING"));
  assert.equal(bench.started(0).destroyed, true);
  call.end();
  await bench.exit(0);
  const second = bench.call();
  await bench.ready(1);
  second.end();
  bench.clock.advance(1010);
  await bench.exit(1);
  assert.deepEqual(bench.exits, [false, true]);
});

test("an instance that is lost while it connects anew is replaced at once", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  bench.call().end();
  const link = await bench.ready(0);
  link.observer.unavailable();
  const waiting = bench.call();
  assert.equal(bench.driver.started.length, 1, "it is expected back");
  link.observer.lost(fault("FunctionExited", "cannot be reconnected"));
  await bench.ready(1);
  assert.ok(waiting.instance);
});

test("a start that works ends the pauses: the next failure begins with 1 s again", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1"));
  for (const index of [0, 1]) {
    bench.call();
    bench.started(index).failStart("CAExited", "exited");
    await settle();
    bench.clock.advance(2100);
  }
  bench.call();
  await bench.ready(2);
  const waiting = bench.call();
  bench.started(3).failStart("CAExited", "exited");
  await settle();
  bench.clock.advance(1100);
  assert.equal(bench.driver.started.length, 5);
  assert.equal(waiting.answers, 0);
});

test("each call in the queue has its own wait", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.put(entry("r1", {}, 1));
  bench.call();
  await bench.ready(0);
  const first = bench.call();
  bench.clock.advance(5000);
  const second = bench.call();
  bench.clock.advance(5100);
  assert.deepEqual([first.answers, second.answers], [1, 0]);
  bench.clock.advance(5000);
  assert.equal(second.answers, 1);
});
