import type { Random } from "../../src/base/base.ts";

/** The calls of one function over the simulated time, in the order of their arrival. */
export interface Traffic {
  readonly name: string;
  readonly instanceConcurrency: number;
  /** Milliseconds from the begin. */
  readonly arrivals: Float64Array;
  readonly durationsMs: Float64Array;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

interface Shape {
  readonly name: string;
  readonly instanceConcurrency: number;
  /** Calls a second at this time. */
  readonly rateAt: (ms: number) => number;
  readonly rateMax: number;
  readonly durationMs: (random: Random) => number;
}

/** The functions of the day: what they do is said by their names, rates and durations. */
const SHAPES: readonly Shape[] = [
  {
    name: "bursty: 30 s of 40 calls/s every 5 minutes",
    instanceConcurrency: 10,
    rateAt: (ms) => (ms % (5 * MINUTE_MS) < 30 * SECOND_MS ? 40 : 0),
    rateMax: 40,
    durationMs: (random) => 50 + 100 * random(),
  },
  {
    name: "diurnal: 0.2 to 10 calls/s",
    instanceConcurrency: 10,
    rateAt: (ms) => 0.2 + 4.9 * (1 - Math.cos((2 * Math.PI * ms) / (24 * HOUR_MS))),
    rateMax: 10,
    durationMs: (random) => 50 + 200 * random(),
  },
  {
    name: "minutely: 20 calls within a second, every minute",
    instanceConcurrency: 5,
    rateAt: (ms) => (ms % MINUTE_MS < SECOND_MS ? 20 : 0),
    rateMax: 20,
    durationMs: () => 400,
  },
  {
    name: "rare: a call in 20 minutes",
    instanceConcurrency: 1,
    rateAt: () => 1 / 1200,
    rateMax: 1 / 1200,
    durationMs: () => 200,
  },
  {
    name: "streams: one a minute, of 10 minutes",
    instanceConcurrency: 20,
    rateAt: () => 1 / 60,
    rateMax: 1 / 60,
    durationMs: (random) => exponential(random, 10 * MINUTE_MS),
  },
];

/** Draws the calls of every function for `lengthMs`. The same random numbers give the same calls. */
export function drawTraffic(lengthMs: number, random: Random): readonly Traffic[] {
  return SHAPES.map((shape) => {
    const arrivals: number[] = [];
    const durations: number[] = [];
    // Thinning (Lewis and Shedler): arrivals at the highest rate, of which the present rate's share stays.
    for (let at = 0; ; ) {
      at += exponential(random, SECOND_MS / shape.rateMax);
      if (at >= lengthMs) break;
      if (random() * shape.rateMax >= shape.rateAt(at)) continue;
      arrivals.push(at);
      durations.push(shape.durationMs(random));
    }
    const { name, instanceConcurrency } = shape;
    return {
      name,
      instanceConcurrency,
      arrivals: Float64Array.from(arrivals),
      durationsMs: Float64Array.from(durations),
    };
  });
}

/**
 * Instance-seconds that no policy can do without: at every moment as many instances as the calls that are open fill, as
 * if they began when they came.
 */
export function demandSeconds({ arrivals, durationsMs, instanceConcurrency }: Traffic): number {
  const changes: { readonly at: number; readonly by: number }[] = [];
  for (const [index, at] of arrivals.entries()) {
    changes.push({ at, by: 1 }, { at: at + (durationsMs[index] ?? 0), by: -1 });
  }
  changes.sort((a, b) => a.at - b.at);
  let open = 0;
  let since = 0;
  let ms = 0;
  for (const { at, by } of changes) {
    ms += Math.ceil(open / instanceConcurrency) * (at - since);
    open += by;
    since = at;
  }
  return ms / 1000;
}

function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean;
}
