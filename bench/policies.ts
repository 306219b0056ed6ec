/**
 * How scaling policies do on a day of bursty traffic, in simulated time: Sluice's own scheduler, Knative's autoscaler, and
 * one instance per call; calls that waited for a start, and instance-seconds over those that the calls could not do without.
 */
import { seededRandom } from "../src/base/testing/seeded-random.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { round } from "./lib/statistics.ts";
import type { Outcome } from "./policies/outcome.ts";
import { playKnative } from "./policies/play-knative.ts";
import { playSluice } from "./policies/play-sluice.ts";
import { START_MS } from "./policies/start-time.ts";
import { demandSeconds, drawTraffic, type Traffic } from "./policies/traffic.ts";

const DAY_MS = 86_400_000;
const SEED = 20_261_124;

const POLICIES: Readonly<Record<string, (traffic: Traffic) => Outcome | Promise<Outcome>>> = {
  Sluice: (traffic) => playSluice(traffic, traffic.instanceConcurrency),
  "Knative's KPA": playKnative,
  "an instance per call": (traffic) => playSluice(traffic, 1),
};

export async function run(length: BenchLength): Promise<BenchResult> {
  const lengthMs = length.seconds < 5 ? DAY_MS / 24 : DAY_MS;
  const rows: Record<string, string | number>[] = [];
  for (const traffic of drawTraffic(lengthMs, seededRandom(SEED))) {
    const demand = demandSeconds(traffic);
    for (const [policy, play] of Object.entries(POLICIES)) {
      const outcome = await play(traffic);
      rows.push({
        function: traffic.name,
        policy,
        calls: outcome.calls,
        "cold %": round(outcome.coldPercent, 3),
        "p99 wait ms": round(outcome.waitMs(0.99), 1),
        "worst ms": round(outcome.waitMs(1), 1),
        "alive / demand": round(outcome.aliveSeconds / demand, 2),
        "running / demand": round(outcome.runningSeconds / demand, 2),
      });
    }
  }
  return {
    bench: "policies",
    rows,
    bars: [],
    notes: [
      `${lengthMs / 3_600_000} simulated hours, seed ${SEED}; a start takes ${START_MS} ms under every policy; instanceConcurrency is that of the function but for an instance per call`,
    ],
  };
}
