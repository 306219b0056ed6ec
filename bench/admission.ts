/**
 * Admission in process: one call ends and another is admitted, in random order of ends, on pools of 1 to 10,000 ready
 * instances that are half full. What the gateway does with a call is left out: this is the scheduler alone.
 */
import { silentLogger, systemClock } from "../src/base/base.ts";
import { Scheduler, schedulerLimits } from "../src/scheduler/scheduler.ts";
import { FakeDriver } from "../src/scheduler/testing/fake-driver.ts";
import { entry, FakeCall, FakeLink, KEY, settle } from "../src/scheduler/testing/scheduler-bench.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { median, round } from "./lib/statistics.ts";

const POOLS = [1, 10, 100, 1000, 10_000];
const CONCURRENCY = 4;
/** Pairs of an end and an admission between two looks at the clock. */
const BATCH = 20_000;
/** Calls that end in a row before others are admitted, at most. */
const WAVE_MAX = 64;

export async function run(length: BenchLength): Promise<BenchResult> {
  const pools = await Promise.all(POOLS.map(async (size) => ({ size, round: await halfFullPool(size), us: [0] })));
  // A warm-up of all, so that the compiler has seen every pool before the first one is measured.
  for (const pool of pools) measure(pool.round, 100);
  for (let pair = 0; pair < length.pairs; pair++) {
    for (const pool of pools) pool.us.push(measure(pool.round, (length.seconds * 1000) / POOLS.length));
  }
  const results = pools.map(({ size, us }) => ({ size, us: us.slice(1) }));
  const ofSmallest = results[0]?.us ?? [];
  const ofLargest = results.at(-1)?.us ?? [];
  const ratios = ofLargest.map((us, pair) => us / (ofSmallest[pair] ?? Number.NaN));
  return {
    bench: "admission",
    rows: results.map(({ size, us }) => ({
      instances: size,
      "median us": round(median(us), 3),
      "min us": round(Math.min(...us), 3),
      "max us": round(Math.max(...us), 3),
    })),
    bars: [
      { name: "microseconds", value: round(Math.max(...results.map(({ us }) => median(us))), 3), limit: 1 },
      { name: "10000-vs-1", value: round(median(ratios), 2), limit: 1.5 },
    ],
    notes: [`one admission and one release each; instanceConcurrency ${CONCURRENCY}, half of all slots taken`],
  };
}

/** Microseconds for one end and one admission, over about `ms`. */
function measure(runRound: () => void, ms: number): number {
  const startedAt = systemClock.nowMs();
  let rounds = 0;
  let elapsedMs = 0;
  do {
    runRound();
    rounds += 1;
    elapsedMs = systemClock.nowMs() - startedAt;
  } while (elapsedMs < ms);
  return (elapsedMs * 1000) / (rounds * BATCH);
}

/** A pool of ready instances with half of their slots taken; gives a function that ends and admits BATCH calls. */
async function halfFullPool(size: number): Promise<() => void> {
  const driver = new FakeDriver();
  const links: FakeLink[] = [];
  const scheduler = new Scheduler<FakeLink>({
    driver,
    links: {
      open(instance, _revision, observer) {
        const link = new FakeLink(driver.instanceOf(instance), observer);
        links.push(link);
        return link;
      },
    },
    clock: systemClock,
    region: "local",
    limits: schedulerLimits({
      instancesMax: size,
      growthBurst: size,
      startsAtOnceMax: size,
      queueCallsMax: size * CONCURRENCY,
      startLimitMs: 600_000,
    }),
    logger: silentLogger,
    events: { statusChanged() {}, instanceExited() {}, remark() {}, startFailed() {} },
  });
  scheduler.put(entry("r1", { instanceConcurrency: CONCURRENCY, memoryMb: 1 }));
  const calls = Array.from({ length: size * CONCURRENCY }, () => new FakeCall());
  for (const call of calls) scheduler.admit(KEY, call);
  for (const instance of driver.started) instance.listen();
  await settle();
  for (const link of links) link.observer.ready(CONCURRENCY);
  if (calls.some((call) => call.instance === undefined)) throw new Error("A call got no slot");
  shuffle(calls);
  for (const call of calls.splice(calls.length / 2)) call.end();
  // Whose slots are freed next: drawn before, each once in every turn through all; and one call plays all calls, so
  // that only the scheduler is measured.
  const turn = shuffle(calls.map((_, index) => index));
  const order = Uint32Array.from({ length: BATCH }, (_, i) => turn[i % turn.length] as number);
  const waves = wavesOf(BATCH, turn.length);
  const taken = calls.map((call) => call.instance);
  const player = new FakeCall();
  return () => {
    let start = 0;
    for (const wave of waves) {
      const end = start + wave;
      for (let i = start; i < end; i++) taken[order[i] as number]?.release();
      for (let i = start; i < end; i++) {
        scheduler.admit(KEY, player);
        taken[order[i] as number] = player.instance;
      }
      start = end;
    }
  };
}

/** Ends come in waves of 1 to WAVE_MAX, each followed by as many admissions: their lengths, `total` together. */
function wavesOf(total: number, most: number): Uint32Array {
  const waves: number[] = [];
  for (let left = total; left > 0; left -= waves.at(-1) as number) {
    waves.push(Math.min(left, 1 + Math.floor(Math.random() * Math.min(WAVE_MAX, most))));
  }
  return Uint32Array.from(waves);
}

function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}
