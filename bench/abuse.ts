/**
 * A victim's calls, 200 a second, in peace and then while one process plays every attack of test/attack in a loop; in
 * pairs. Attacker, functions and client share the machine with the gateway.
 */
import { Target } from "../test/attack/support/target.ts";
import { failedCalls, measureVictim } from "../test/attack/support/victim.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { median, round } from "./lib/statistics.ts";

/** A quiet p99 of a millisecond or two is mostly the machine's: what is added below this is no matter. */
const FLOOR_MS = 5;

export async function run(length: BenchLength): Promise<BenchResult> {
  await using target = await Target.start();
  const quiet: { p50: number; p99: number }[] = [];
  const attacked: { p50: number; p99: number }[] = [];
  let attacks = 0;
  for (let pair = 0; pair < length.pairs; pair++) {
    const report = await measureVictim(target, length.seconds);
    const failed = failedCalls(report.quiet) + failedCalls(report.attacked);
    if (failed > 0)
      throw new Error(`${failed} of the victim's calls failed: ${JSON.stringify(report.attacked.errors)}`);
    quiet.push(report.quiet.latencyMs);
    attacked.push(report.attacked.latencyMs);
    attacks += report.attacks;
  }
  const ratios = quiet.map(({ p99 }, pair) => Math.max(0, (attacked[pair]?.p99 ?? Number.NaN) - FLOOR_MS) / p99);
  const row = (what: string, of: readonly { p50: number; p99: number }[]) => ({
    victim: what,
    "p50 ms": round(median(of.map(({ p50 }) => p50)), 2),
    "p99 ms": round(median(of.map(({ p99 }) => p99)), 2),
    "worst p99 ms": round(Math.max(...of.map(({ p99 }) => p99)), 2),
  });
  return {
    bench: "abuse",
    rows: [row("in peace", quiet), row("under attack", attacked)],
    bars: [{ name: "p99-under-attack", value: round(median(ratios), 2), limit: 2 }],
    notes: [
      `${attacks} attacks in ${length.pairs} x ${length.seconds} s; no call failed; the ratio leaves ${FLOOR_MS} ms out`,
    ],
  };
}
