import { seededRandom } from "../../../src/base/testing/seeded-random.ts";
import { drawFunctions, drawLimits } from "./chapter.ts";
import { Dice } from "./dice.ts";
import { scan } from "./scan.ts";
import { Trace } from "./trace.ts";
import { World } from "./world.ts";

/** Events of one chapter, at the most. */
const CHAPTER_EVENTS_MAX = 50_000;
/** Events between two scans of everything. */
const SCAN_EVERY = 500;
/** Lines of the trace that a failure prints. */
export const TRACE_LENGTH = 60;
/** Every call has ended by then, and every idle instance was stopped. */
const WIND_DOWN_MS = 100 * 3_600_000;

export interface SimulationReport {
  readonly events: number;
  readonly chapters: number;
  /** Simulated time. */
  readonly days: number;
  readonly calls: number;
  readonly starts: number;
  readonly exits: number;
}

/** What the scheduler did wrong, with all that is needed to see it again. */
export class SimulationError extends Error {
  constructor(problem: string, seed: number, events: number, trace: Trace) {
    super(
      `The last events:\n${trace}\n${problem}\nSee it again: npm run simulate -- --seed ${seed} --events ${events}`,
    );
    this.name = "SimulationError";
  }
}

/**
 * Runs about `events` events, in chapters: the first with the seed itself, each other one with the next number, so that
 * a chapter that fails is run again alone. Throws a SimulationError.
 */
export async function simulate(seed: number, events: number, traceLength = TRACE_LENGTH): Promise<SimulationReport> {
  const sum = { events: 0, chapters: 0, days: 0, calls: 0, starts: 0, exits: 0 };
  while (sum.events < events) {
    const { world, eventCount } = await playChapter(seed + sum.chapters, events - sum.events, traceLength);
    sum.chapters += 1;
    sum.events += eventCount;
    sum.days += world.clock.nowMs() / 86_400_000;
    sum.calls += world.checker.counts.calls;
    sum.starts += world.checker.counts.starts;
    sum.exits += world.checker.counts.exits;
  }
  return sum;
}

/** One scheduler from its begin to the end of everything. */
async function playChapter(seed: number, eventsLeft: number, traceLength: number) {
  const dice = new Dice(seededRandom(seed));
  const events = Math.min(eventsLeft, 1 + dice.below(CHAPTER_EVENTS_MAX));
  const trace = new Trace(traceLength);
  const world = new World(dice, drawLimits(dice), drawFunctions(dice), trace);
  const failed = (problem: string) => new SimulationError(problem, seed, events, trace);
  const play = async (isOver: () => boolean) => {
    let scanAt = world.eventCount + SCAN_EVERY;
    while (!isOver()) {
      const event = world.clock.next();
      if (event === undefined) break;
      event.happen();
      if (world.isUnsettled) await settle(world);
      world.checker.afterEvent();
      if (world.eventCount >= scanAt && world.checker.violation === undefined) {
        scan(world);
        scanAt = world.eventCount + SCAN_EVERY;
      }
      if (world.checker.violation !== undefined) throw failed(world.checker.violation);
    }
  };
  try {
    world.begin();
    await play(() => world.eventCount >= events);
    world.quieten();
    scan(world);
    const end = dice.pick(["remove", "stop", "fade"] as const);
    if (end === "remove") world.removeAll();
    const stopped = end === "stop" ? world.stopAll() : undefined;
    const until = world.clock.nowMs() + WIND_DOWN_MS;
    await play(() => world.clock.nowMs() > until);
    if (end === "fade") world.removeAll();
    await play(() => false);
    await stopped;
  } catch (error) {
    throw error instanceof SimulationError ? error : failed(error instanceof Error ? `${error.stack}` : String(error));
  }
  const { scheduler, checker, clock, functions } = world;
  scan(world);
  checker.check(scheduler.instanceCount === 0, () => `${scheduler.instanceCount} instances are left at the end`);
  checker.check(clock.length === 0, () => `${clock.length} timers are left at the end`);
  for (const fn of functions) {
    checker.check(fn.waitingCount === 0, () => `${fn.waitingCount} calls wait at the end`);
    const hasStatus = scheduler.statusOf(fn.key) !== undefined;
    checker.check(!hasStatus || checker.draining, () => `${fn.key} is there at the end`);
  }
  if (checker.violation !== undefined) throw failed(checker.violation);
  return { world, eventCount: world.eventCount };
}

/** Lets promises that are resolved run their handlers, however many follow each other. */
async function settle(world: World): Promise<void> {
  world.isUnsettled = false;
  await new Promise((resolve) => setImmediate(resolve));
}
