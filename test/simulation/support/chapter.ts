/**
 * What one chapter of a simulation is like: its limits, its functions, their programs and callers. A run of many events
 * is many chapters, so that it meets many configurations, and often the end of everything.
 */
import { type FunctionEntry, functionKey, type RevisionId } from "../../../src/model/model.ts";
import { type SchedulerLimits, schedulerLimits } from "../../../src/scheduler/scheduler.ts";
import type { Dice } from "./dice.ts";
import { type Behaviour, SimFunction } from "./sim-function.ts";
import { type Arrivals, cron, type Duration, diurnal, heavyTail, onOff, steady } from "./traffic.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MEMORY_MB = [64, 128, 256, 512, 1024, 3072];
const CONCURRENCY = [1, 1, 1, 2, 5, 20, 200];

/** Tight limits, so that they are met. */
export function drawLimits(dice: Dice): SchedulerLimits {
  return schedulerLimits({
    startLimitMs: dice.pick([5000, 30_000, 120_000]),
    queueCallsMax: dice.pick([3, 30, 300, 1000]),
    queueWaitAtLimitMs: dice.pick([1000, 10_000]),
    idleFreezeMs: dice.pick([200, 1000, 20_000, Number.MAX_SAFE_INTEGER]),
    growthBurst: 1_000_000,
    growthPerMinute: 1_000_000,
    idleStopMs: dice.pick([5000, 60_000, 300_000]),
    instancesMax: dice.pick([2, 8, 30, 100]),
    startsAtOnceMax: dice.pick([1, 2, 4, 8]),
    stopGraceMs: dice.pick([1000, 10_000]),
    hostMemoryMb: dice.pick([3072, 8192, 65_536]),
  });
}

export function drawFunctions(dice: Dice): SimFunction[] {
  return Array.from({ length: 1 + dice.below(10) }, (_, i) => {
    const busy = dice.magnitude(0.02, 1);
    return new SimFunction(functionKey("s", `f${i}`), drawBehaviour(dice, busy));
  });
}

function drawBehaviour(dice: Dice, busy: number): Behaviour {
  const durationMs = drawDuration(dice);
  const startMs = dice.magnitude(5, 5000);
  const patienceMs = dice.pick([500, 5000, 60_000, HOUR_MS]);
  return {
    arrivals: drawArrivals(dice, busy),
    durationMs,
    patienceMs: () => dice.exponential(patienceMs),
    listenMs: () => dice.logNormal(startMs, 1),
    connectMs: () => dice.logNormal(2, 1.5),
    badStartShare: dice.pick([0, 0, 0.02, 0.2, 0.7]),
    crashMeanMs: dice.pick([10_000, 10 * MINUTE_MS, 10 * HOUR_MS]),
    reconnectMeanMs: dice.pick([2000, 10 * MINUTE_MS, 10 * HOUR_MS]),
    timeoutShare: dice.pick([0, 0.001, 0.1]),
  };
}

function drawArrivals(dice: Dice, busy: number): Arrivals {
  const perSecond = 200 * busy;
  const kinds = [
    () => steady(dice, perSecond * dice.magnitude(0.01, 1)),
    () => onOff(dice, { onMs: dice.magnitude(100, MINUTE_MS), offMs: dice.magnitude(1000, 10 * MINUTE_MS), perSecond }),
    () => diurnal(dice, { perSecond: perSecond / 4, dayMs: dice.magnitude(MINUTE_MS, 24 * HOUR_MS), peakAtMs: 0 }),
    () => heavyTail(dice, { gapMinMs: dice.magnitude(1, 1000), alpha: dice.between(0.7, 2), gapMaxMs: HOUR_MS }),
    () =>
      cron(dice, { everyMs: dice.pick([10_000, MINUTE_MS]), calls: dice.below(100) + 1, spreadMs: dice.below(500) }),
  ];
  return dice.pick(kinds)();
}

function drawDuration(dice: Dice): Duration {
  const medianMs = dice.magnitude(1, 2000);
  const kinds: Duration[] = [
    () => dice.logNormal(medianMs, 1),
    () => dice.pareto(medianMs, 1.1, 4 * HOUR_MS),
    // Streams: now and then one that stays for minutes or hours.
    () => (dice.chance(0.02) ? dice.magnitude(MINUTE_MS, 4 * HOUR_MS) : dice.exponential(medianMs)),
    () => medianMs,
  ];
  return dice.pick(kinds);
}

/** A new revision of `fn`; some never start. */
export function drawEntry(dice: Dice, fn: SimFunction): FunctionEntry {
  fn.revisionCount += 1;
  const id = `${fn.key}@${fn.revisionCount}` as RevisionId;
  const instanceConcurrency = dice.pick(CONCURRENCY);
  const maximum = drawInstancesMax(dice);
  return {
    kind: "function",
    function: fn.key,
    revision: {
      id,
      function: fn.key,
      accountId: "1",
      serviceName: "s",
      functionName: fn.key,
      qualifier: "LATEST",
      runtime: "custom",
      handler: "h",
      codeDir: `/code/${id}`,
      command: ["./bootstrap"],
      hasCommand: false,
      environment: dice.chance(0.1) ? { BROKEN: "yes" } : {},
      caPort: 9000,
      timeoutMs: 60_000,
      memoryMb: dice.pick(MEMORY_MB),
      diskMb: 512,
      instanceConcurrency,
      instanceSoftConcurrency: dice.chance(0.5) ? instanceConcurrency : 1 + dice.below(instanceConcurrency),
      internetAccess: false,
    },
    ...(maximum !== undefined && { maximumInstanceCount: maximum }),
  };
}

export function drawInstancesMax(dice: Dice): number | undefined {
  return dice.pick([undefined, undefined, undefined, 0, 1, 2, 10]);
}
