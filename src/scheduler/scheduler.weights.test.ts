import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FunctionEntry, Revision } from "../model/model.ts";
import { entry, type FakeCall, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

/** An entry with a main revision and others with their weights. */
function weighted(main: string, others: Readonly<Record<string, number>>, more: Partial<Revision> = {}): FunctionEntry {
  const additionalRevisions = Object.entries(others).map(([name, weight]) => ({
    revision: entry(name, more).revision,
    weight,
  }));
  return { ...entry(main, more), additionalRevisions };
}

const NO_LIMITS = { instancesMax: 1_000, queueCallsMax: 10_000, growthBurst: 10_000, startsAtOnceMax: 10_000 };

/** A bench whose next choices fall on the main revision, or on the first other one. */
class WeightsBench extends SchedulerBench {
  callMain(): FakeCall {
    this.random = () => 0.99;
    return this.call();
  }

  callOther(): FakeCall {
    this.random = () => 0;
    return this.call();
  }

  /** Brings up whatever is starting. */
  async allUp(): Promise<void> {
    for (const [index, instance] of this.driver.started.entries()) {
      if (!this.links.has(instance.id) && !instance.isGone && !instance.destroyed) await this.ready(index);
    }
  }

  get running(): (string | undefined)[] {
    const gone = new Set(this.driver.started.filter((each) => each.stopped || each.destroyed).map((each) => each.id));
    const instances = this.scheduler.statusOf(KEY)?.instances ?? [];
    return instances.filter((each) => !gone.has(each.instanceId)).map((each) => each.revisionId as string);
  }
}

test("calls are split by weight, each wholly on one revision with a queue of its own", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(weighted("r1", { r2: 0.3 }));
  const [main, other] = [bench.callMain(), bench.callOther()];
  assert.equal(bench.driver.started.length, 2);
  await bench.allUp();
  assert.equal(main.instance?.revision.id, "r1");
  assert.equal(other.instance?.revision.id, "r2");
  const waiting = bench.callOther();
  main.end();
  assert.equal(waiting.answers, 0, "a free slot of another revision is not for it");
  other.end();
  assert.equal(waiting.instance?.revision.id, "r2");
});

test("the shares are those of the weights, whatever they are (property)", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3 }), (percents) => {
      const others = Object.fromEntries(percents.map((percent, index) => [`o${index}`, percent / 100]));
      const bench = new SchedulerBench(NO_LIMITS);
      bench.scheduler.put(weighted("main", others));
      // Every thousandth from 0 to 1, once.
      for (let step = 0; step < 1000; step++) {
        bench.random = () => (step + 0.5) / 1000;
        bench.call();
      }
      const counts = new Map<string, number>();
      for (const instance of bench.scheduler.statusOf(KEY)?.instances ?? []) {
        counts.set(instance.revisionId, (counts.get(instance.revisionId) ?? 0) + 1);
      }
      for (const [index, percent] of percents.entries()) {
        assert.ok(Math.abs((counts.get(`o${index}`) ?? 0) - percent * 10) <= 1, `${percent} % of 1,000`);
      }
    }),
    { numRuns: 20 },
  );
});

test("another weight restarts nothing; a version that becomes the main one keeps its instances", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(weighted("r1", { r2: 0.1 }));
  const calls = [bench.callMain(), bench.callOther()];
  await bench.allUp();
  for (const call of calls) call.end();
  bench.scheduler.put(weighted("r1", { r2: 0.9 }));
  bench.scheduler.put(weighted("r2", { r1: 0.2 }));
  assert.equal(bench.callMain().instance?.revision.id, "r2");
  assert.equal(bench.callOther().instance?.revision.id, "r1");
  assert.equal(bench.driver.started.length, 2);
});

test("a share goes to a new revision as soon as it is ready, and to the others until then", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 10 }));
  const open = bench.call();
  await bench.allUp();
  bench.scheduler.put(weighted("r1", { r2: 0.5 }, { instanceConcurrency: 10 }));
  assert.equal(bench.driver.started.length, 2, "it is started at once");
  assert.equal(bench.callOther().instance?.revision.id, "r1");
  assert.equal(bench.scheduler.statusOf(KEY)?.next?.state, "starting");
  await bench.allUp();
  assert.equal(bench.callOther().instance?.revision.id, "r2");
  assert.equal(bench.scheduler.statusOf(KEY)?.next, undefined);
  assert.equal(open.instance?.revision.id, "r1");
});

/** r1 serves, and r2, which was to have a half of the calls, has failed to start. */
async function withFailedShare(): Promise<WeightsBench> {
  const bench = new WeightsBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 10 }));
  bench.call();
  await bench.allUp();
  bench.scheduler.put(weighted("r1", { r2: 0.5 }, { instanceConcurrency: 10 }));
  bench.started(1).failStart("CAExited", "boom");
  await settle();
  return bench;
}

test("a revision with a share that fails to start leaves all calls to the others, and the status says so", async () => {
  const bench = await withFailedShare();
  assert.equal(bench.callOther().instance?.revision.id, "r1");
  const status = bench.scheduler.statusOf(KEY);
  assert.equal(status?.next?.state, "failed");
  assert.equal(status?.serving, "r1");
  assert.equal(bench.driver.started.length, 2, "it is not tried again and again");
});

test("a revision with a share that failed to start is tried again when the function is put again", async () => {
  const bench = await withFailedShare();
  bench.scheduler.put(weighted("r1", { r2: 0.4 }, { instanceConcurrency: 10 }));
  assert.equal(bench.scheduler.statusOf(KEY)?.next?.state, "starting");
  await bench.allUp();
  assert.equal(bench.callOther().instance?.revision.id, "r2");
});

test("a revision that keeps a share goes over to no newer one that was on its way", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 10 }));
  bench.call();
  await bench.allUp();
  bench.scheduler.put(entry("r2", { instanceConcurrency: 10 }));
  bench.scheduler.put(weighted("r3", { r1: 0.5 }, { instanceConcurrency: 10 }));
  assert.equal(bench.started(1).destroyed, true, "nobody wants r2 any more");
  await bench.allUp();
  assert.equal(bench.callOther().instance?.revision.id, "r1");
  assert.equal(bench.callMain().instance?.revision.id, "r3");
});

test("an alias that goes over from one version to another with a share for the old one cuts no call", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(entry("r1"));
  const open = bench.call();
  await bench.allUp();
  bench.scheduler.put(weighted("r2", { r1: 0.1 }));
  const meanwhile = bench.callMain();
  await bench.allUp();
  assert.equal(meanwhile.instance?.revision.id ?? "waits", "r1");
  assert.equal(bench.callMain().instance?.revision.id, "r2");
  bench.scheduler.put(entry("r2"));
  assert.equal(bench.started(0).stopped, false, "it has a call");
  open.end();
  assert.equal(bench.started(0).stopped, true);
});

test("calls that wait for a revision whose share is taken away are served by the main one", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(weighted("r1", { r2: 0.5 }));
  const waiting = bench.callOther();
  bench.scheduler.put(entry("r1"));
  await bench.allUp();
  assert.equal(waiting.instance?.revision.id, "r1");
  assert.deepEqual(bench.running, ["r1"]);
});

test("maximumInstanceCount and the limit of the queue hold for all revisions of a function together", async () => {
  const bench = new WeightsBench({ queueCallsMax: 2 });
  bench.scheduler.put({ ...weighted("r1", { r2: 0.5 }), maximumInstanceCount: 2 });
  for (const call of [bench.callMain(), bench.callOther(), bench.callMain()]) {
    if (call.refusal !== undefined) assert.match(call.refusal.message, /2 calls of .* wait/);
  }
  assert.equal(bench.driver.started.length, 2);
  await bench.allUp();
  bench.callMain();
  bench.callOther();
  assert.equal(bench.driver.started.length, 2);
  assert.equal(bench.callOther().refusal?.errorType, "ResourceExhausted");
});

test("a removed function refuses what waits on every revision, and is gone with its last instance", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(weighted("r1", { r2: 0.5 }));
  const calls = [bench.callMain(), bench.callOther()];
  bench.scheduler.remove(KEY);
  for (const call of calls) assert.equal(call.refusal?.errorType, "Unavailable");
  assert.ok(bench.scheduler.statusOf(KEY));
  await bench.exit(0);
  await bench.exit(1);
  assert.equal(bench.scheduler.statusOf(KEY), undefined);
});

test("a call that leaves the queue of a share is forgotten there", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(weighted("r1", { r2: 0.5 }));
  const call = bench.callOther();
  bench.scheduler.abandon(KEY, call);
  await bench.allUp();
  assert.equal(call.answers, 0);
});

test("instances that end by themselves are counted, those that are told to are not", async () => {
  const bench = new WeightsBench();
  bench.scheduler.put(entry("r1"));
  bench.call();
  await bench.allUp();
  await bench.exit(0);
  assert.equal(bench.scheduler.statusOf(KEY)?.restarts, 1);
  bench.call();
  await bench.allUp();
  bench.scheduler.put(entry("r2"));
  bench.scheduler.remove(KEY);
  assert.equal(bench.scheduler.statusOf(KEY)?.restarts, 1);
});

test("starts for calls are bounded in their speed; a call that waits for that is served when the next is allowed", async () => {
  const bench = new SchedulerBench({ growthBurst: 2, growthPerMinute: 30 });
  bench.scheduler.put(entry("r1"));
  const calls = [bench.call(), bench.call(), bench.call()];
  assert.equal(bench.driver.started.length, 2);
  bench.clock.advance(1900);
  assert.equal(bench.driver.started.length, 2);
  bench.clock.advance(200);
  assert.equal(bench.driver.started.length, 3);
  await bench.ready(2);
  assert.ok(calls[0]?.instance);
});

test("a call that waited too long for the growth is told so", async () => {
  const bench = new SchedulerBench({ growthBurst: 1, growthPerMinute: 1 });
  bench.scheduler.put(entry("r1"));
  bench.call();
  await bench.ready(0);
  const waiting = bench.call();
  bench.clock.advance(10_100);
  assert.equal(waiting.refusal?.errorType, "ResourceExhausted");
  assert.match(waiting.refusal?.message ?? "", /no faster than by 1 a minute/);
});
