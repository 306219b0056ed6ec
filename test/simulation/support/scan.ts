import type { InstanceStatus } from "../../../src/model/model.ts";
import type { SimFunction } from "./sim-function.ts";
import type { SimInstance } from "./sim-instance.ts";
import type { World } from "./world.ts";

/** How late a timer of the scheduler may be: two slots of the wheel. */
const TIMER_SLACK_MS = 10;

const PHASES = { starting: "starting", serving: "ready", retired: "stopping" } as const;

/** Counts everything anew, and compares it with what the checker counted and with what the scheduler tells. */
export function scan(world: World): void {
  const { checker, scheduler, functions } = world;
  let instances = 0;
  let memoryMb = 0;
  for (const fn of functions) {
    checker.checkFunction(fn);
    scanFunction(world, fn);
    for (const pool of fn.pools) {
      instances += pool.instances.size;
      memoryMb += pool.instances.size * pool.revision.memoryMb;
    }
  }
  checker.check(instances === checker.instanceCount, () => `${instances} instances, ${checker.instanceCount} counted`);
  checker.check(memoryMb === checker.memoryMb, () => `${memoryMb} MB, ${checker.memoryMb} counted`);
  checker.check(
    instances === scheduler.instanceCount,
    () => `${instances} instances run, the scheduler has ${scheduler.instanceCount}`,
  );
  const { calls, granted, refused, left } = checker.counts;
  const waiting = functions.reduce((sum, fn) => sum + fn.waitingCount, 0);
  checker.check(
    calls === granted + refused + left + waiting,
    () => `${calls} calls came: ${granted} got a slot, ${refused} were refused, ${left} left, ${waiting} wait`,
  );
}

function scanFunction(world: World, fn: SimFunction): void {
  const { checker } = world;
  const status = world.scheduler.statusOf(fn.key);
  const shown = new Map((status?.instances ?? []).map((instance) => [instance.instanceId, instance]));
  const running = fn.pools.flatMap((pool) => [...pool.instances]);
  checker.check(shown.size === running.length, () => `${fn.key} shows ${shown.size} of ${running.length} instances`);
  for (const instance of running) scanInstance(world, instance, shown.get(instance.id));
  const serving = fn.serving?.revision.id;
  checker.check(status?.serving === serving, () => `${fn.key} shows ${status?.serving} as serving, not ${serving}`);
  const next = fn.next && `${fn.next.revision.id} ${fn.next.failed ? "failed" : "starting"}`;
  const shownNext = status?.next && `${status.next.revisionId} ${status.next.state}`;
  checker.check(shownNext === next, () => `${fn.key} shows ${shownNext} as next, not ${next}`);
  for (const pool of fn.pools) {
    const starting = count(pool.instances, (instance) => instance.phase === "starting");
    const serves = count(pool.instances, (instance) => instance.phase === "serving");
    const free = [...pool.instances].reduce((sum, instance) => sum + instance.freeNow, 0);
    checker.check(
      pool.starting === starting && pool.serving === serves && pool.freeSlots === free,
      () => `${pool.revision.id} has ${starting} starting, ${serves} serving, ${free} free slots; counted otherwise`,
    );
  }
  let waiting = 0;
  for (let i = fn.firstWaiting; i < fn.waitingCalls.length; i++) {
    const call = fn.waitingCalls[i];
    if (call?.state !== "waiting") continue;
    waiting += 1;
    checker.check(call.queuedIn !== undefined, () => `${call} waits, but not in the scheduler's queue`);
  }
  checker.check(waiting === fn.waitingCount, () => `${waiting} calls wait, ${fn.waitingCount} counted`);
}

function scanInstance(world: World, instance: SimInstance, shown: InstanceStatus | undefined): void {
  const { checker, clock, limits } = world;
  const isFrozen = instance.phase === "serving" && instance.rest === "asleep" && instance.isFrozen;
  const phase = isFrozen ? "frozen" : PHASES[instance.phase];
  checker.check(shown?.phase === phase, () => `${instance} shows as ${shown?.phase}, but is ${phase}`);
  const open = instance.calls.size;
  checker.check(shown?.openCalls === open, () => `${instance} shows ${shown?.openCalls} calls of ${open}`);
  const idleMs = clock.nowMs() - instance.idleSince;
  checker.check(
    !(idleMs > limits.idleStopMs + TIMER_SLACK_MS) || mayStay(instance),
    () => `${instance} has been idle for ${idleMs} ms, and still serves`,
  );
  checker.check(
    instance.phase !== "retired" || open > 0 || instance.isStopping,
    () => `${instance} takes no calls and has none, and is not stopped`,
  );
  checker.check(!instance.isGone, () => `${instance} is gone`);
}

function count(instances: Iterable<SimInstance>, is: (instance: SimInstance) => boolean): number {
  let total = 0;
  for (const instance of instances) total += Number(is(instance));
  return total;
}

/** It wakes up just now, or was a spare that instanceSoftConcurrency wanted whenever it was looked at. */
function mayStay({ pool, rest }: SimInstance): boolean {
  const { instanceConcurrency, instanceSoftConcurrency } = pool.revision;
  return instanceSoftConcurrency < instanceConcurrency || rest === "waking";
}
