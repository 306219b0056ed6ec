import assert from "node:assert/strict";
import { test } from "node:test";
import { type FunctionEntry, functionKey, type ProvisionConfig, type Revision } from "../model/model.ts";
import { entry, KEY, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

const OFF = { alwaysAllocateCpu: true, scheduledActions: [], targetTrackingPolicies: [] };

function provisioned(
  name: string,
  config: Partial<ProvisionConfig>,
  more: Partial<Revision> = {},
  maximum?: number,
): FunctionEntry {
  return { ...entry(name, more, maximum), provision: { target: 0, ...OFF, ...config } };
}

class ProvisionBench extends SchedulerBench {
  get provision() {
    return this.scheduler.statusOf(KEY)?.provision;
  }

  async allUp(): Promise<void> {
    for (const [index, instance] of this.driver.started.entries()) {
      const isOver = instance.isGone || instance.destroyed || instance.stopped;
      if (!this.links.has(instance.id) && !isOver) await this.ready(index);
    }
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      this.clock.advance(Math.min(left, 1000));
      await settle();
    }
  }

  get alive(): number {
    return this.driver.started.filter((each) => !each.isGone && !each.stopped && !each.destroyed).length;
  }
}

test("provisioned instances are started before any call, kept when idle, and released with the target", async () => {
  const bench = new ProvisionBench();
  bench.scheduler.put(provisioned("r1", { target: 2 }));
  assert.equal(bench.driver.started.length, 2);
  assert.deepEqual(bench.provision, { target: 2, current: 0 });
  await bench.allUp();
  assert.deepEqual(bench.provision, { target: 2, current: 2 });
  await bench.pass(700_000);
  assert.equal(bench.alive, 2);
  assert.equal(bench.started(0).freezeCount, 0, "alwaysAllocateCPU");
  bench.scheduler.put(provisioned("r1", { target: 0 }));
  await bench.pass(400_000);
  assert.equal(bench.alive, 0);
});

test("without alwaysAllocateCPU an idle provisioned instance is frozen, not stopped", async () => {
  const bench = new ProvisionBench();
  bench.scheduler.put(provisioned("r1", { target: 1, alwaysAllocateCpu: false }));
  await bench.allUp();
  await bench.pass(700_000);
  assert.equal(bench.alive, 1);
  assert.equal(bench.started(0).isFrozen, true);
  assert.equal(bench.provision?.current, 1);
  bench.scheduler.put(provisioned("r1", { target: 1 }));
  await settle();
  assert.equal(bench.started(0).isFrozen, false, "it gets its CPU when that is wanted");
});

test("calls take provisioned instances first, and others start beyond them", async () => {
  const bench = new ProvisionBench();
  bench.scheduler.put(entry("r1", { instanceConcurrency: 2 }));
  const first = bench.call();
  await bench.allUp();
  first.end();
  bench.scheduler.put(provisioned("r1", { target: 2 }, { instanceConcurrency: 2 }));
  assert.equal(bench.driver.started.length, 2, "one that runs counts");
  await bench.allUp();
  bench.scheduler.put(provisioned("r1", { target: 1 }, { instanceConcurrency: 2 }));
  const ids = [bench.call(), bench.call(), bench.call()].map((call) => call.instance?.id);
  assert.deepEqual(ids, [bench.started(0).id, bench.started(0).id, bench.started(1).id]);
  bench.call();
  bench.call();
  assert.equal(bench.driver.started.length, 3);
});

test("a provisioned instance that crashes is replaced; one that fails to start is tried again after a pause", async () => {
  const bench = new ProvisionBench();
  bench.scheduler.put(provisioned("r1", { target: 1 }));
  await bench.allUp();
  await bench.exit(0);
  assert.equal(bench.driver.started.length, 2);
  bench.started(1).failStart("CAExited", "it exited with code 1");
  await settle();
  assert.match(bench.provision?.currentError ?? "", /it exited with code 1/);
  assert.equal(bench.driver.started.length, 2);
  await bench.pass(1100);
  assert.equal(bench.driver.started.length, 3);
  await bench.allUp();
  assert.deepEqual(bench.provision, { target: 1, current: 1 });
});

test("a provisioned instance that crashes beside an ordinary one is replaced: by that one, which stays", async () => {
  const bench = new ProvisionBench();
  bench.scheduler.put(provisioned("r1", { target: 1 }));
  await bench.allUp();
  const calls = [bench.call(), bench.call()];
  await bench.allUp();
  await bench.exit(0);
  assert.equal(bench.provision?.current, 1);
  for (const call of calls.slice(1)) call.end();
  await bench.pass(700_000);
  assert.equal(bench.alive, 1);
});

test("a failed provisioned start is tried again after its pause, however fast instances may grow", async () => {
  const bench = new ProvisionBench({ growthBurst: 1, growthPerMinute: 1 });
  const other = functionKey("s", "other");
  bench.scheduler.put(entry("o1", { function: other }));
  bench.call(other);
  bench.scheduler.put(provisioned("r1", { target: 1 }));
  bench.started(1).failStart("CAExited", "boom");
  await settle();
  await bench.pass(1100);
  assert.equal(bench.driver.started.length, 3);
});

test("provisioned instances stay within the limits, which currentError names, and come when there is room", async () => {
  const bench = new ProvisionBench({ instancesMax: 2 });
  const other = functionKey("s", "other");
  bench.scheduler.put(entry("o1", { function: other }));
  const busy = bench.call(other);
  await bench.allUp();
  bench.scheduler.put(provisioned("r1", { target: 2 }));
  assert.equal(bench.driver.started.length, 2);
  assert.match(bench.provision?.currentError ?? "", /2 instances/);
  await bench.allUp();
  busy.end();
  assert.equal(bench.started(0).stopped, true, "an idle one of others makes room");
  await bench.exit(0);
  assert.equal(bench.driver.started.length, 3);
  const limited = new ProvisionBench();
  limited.scheduler.put(provisioned("r1", { target: 3 }, {}, 1));
  assert.match(limited.provision?.currentError ?? "", /maximumInstanceCount/);
});

test("an idle provisioned instance makes no room for others", async () => {
  const bench = new ProvisionBench({ instancesMax: 1 });
  const other = functionKey("s", "other");
  bench.scheduler.put(provisioned("r1", { target: 1 }));
  bench.scheduler.put(entry("o1", { function: other }));
  await bench.allUp();
  bench.call(other);
  await bench.pass(5000);
  assert.equal(bench.started(0).stopped, false);
});

test("a redeploy gives the new revision its provisioned instances, and lets the old ones go", async () => {
  const bench = new ProvisionBench();
  bench.scheduler.put(provisioned("r1", { target: 2 }));
  await bench.allUp();
  bench.scheduler.put(provisioned("r2", { target: 2 }));
  assert.equal(bench.alive, 3);
  await bench.allUp();
  assert.equal(bench.started(0).stopped && bench.started(1).stopped, true);
  assert.equal(bench.alive, 2);
  await bench.allUp();
  assert.deepEqual(bench.provision, { target: 2, current: 2 });
  bench.scheduler.remove(KEY);
  await bench.pass(1000);
  assert.equal(bench.alive, 0);
});

test("a scheduled action raises and lowers the number at its times", async () => {
  const bench = new ProvisionBench();
  const now = bench.clock.epochMs();
  const time = (ms: number) => new Date(now + ms).toISOString().slice(0, 19);
  const scheduledActions = [
    { name: "a", startAt: now, endAt: now + 600_000, target: 3, scheduleExpression: `at(${time(300_000)})` },
  ];
  bench.scheduler.put(provisioned("r1", { target: 1, scheduledActions }));
  await bench.allUp();
  await bench.pass(298_000);
  assert.equal(bench.alive, 1);
  await bench.pass(3000);
  assert.equal(bench.alive, 3);
  await bench.allUp();
  await bench.pass(1_000_000);
  assert.equal(bench.alive, 1, "and the idle ones are gone a while after its end");
});

test("target tracking follows the calls on provisioned instances, minute by minute", async () => {
  const bench = new ProvisionBench();
  const now = bench.clock.epochMs();
  const targetTrackingPolicies = [
    {
      name: "p",
      startAt: now,
      endAt: now + 86_400_000,
      metricType: "ProvisionedConcurrencyUtilization",
      metricTarget: 0.5,
      minCapacity: 1,
      maxCapacity: 4,
    } as const,
  ];
  bench.scheduler.put(provisioned("r1", { target: 1, targetTrackingPolicies }, { instanceConcurrency: 2 }));
  await bench.allUp();
  const calls = [bench.call(), bench.call()];
  await bench.pass(60_100);
  assert.equal(bench.provision?.target, 2);
  await bench.allUp();
  await bench.pass(60_000);
  assert.equal(bench.provision?.target, 2, "half of what two can do: as wanted");
  for (const call of calls) call.end();
  await bench.pass(60_000);
  assert.equal(bench.provision?.target, 1);
});

test("target tracking follows the CPU time of instances where the driver tells it", async () => {
  const bench = new ProvisionBench();
  const now = bench.clock.epochMs();
  const targetTrackingPolicies = [
    {
      name: "p",
      startAt: now,
      endAt: now + 86_400_000,
      metricType: "CPUUtilization",
      metricTarget: 0.4,
      minCapacity: 1,
      maxCapacity: 4,
    } as const,
  ];
  bench.scheduler.put(provisioned("r1", { target: 1, targetTrackingPolicies }));
  await bench.allUp();
  const usage = (cpuSeconds: number) => ({ memoryBytes: 1, memoryPeakBytes: 1, cpuSeconds });
  bench.started(0).usage = usage(1);
  await bench.pass(61_000);
  bench.started(0).usage = usage(1 + 48);
  await bench.pass(60_000);
  assert.equal(bench.provision?.target, 2, "0.8 of a CPU, 0.4 wanted");
  await bench.allUp();
  bench.started(1).usage = usage(3000);
  await bench.pass(60_000);
  assert.equal(bench.provision?.target, 1, "what an instance used before it was provisioned does not count");
});
