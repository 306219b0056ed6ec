import type { JobReport } from "../../support/clients.ts";
import { AttackerProcess } from "./attacker-process.ts";
import type { Target } from "./target.ts";

/** How often the victim calls: far from what the gateway can do, so that what it feels is the attack. */
const CALLS_PER_SECOND = 200;

export interface VictimReport {
  readonly quiet: JobReport;
  readonly attacked: JobReport;
  /** Attacks played meanwhile. */
  readonly attacks: number;
}

/** A victim's calls for some seconds in peace, then for as long while one process plays all attacks. */
export async function measureVictim(target: Target, seconds: number): Promise<VictimReport> {
  const call = (durationMs: number) =>
    target.callVictim({ durationMs, ratePerSecond: CALLS_PER_SECOND, workers: 100, deadlineMs: 10_000 });
  await call(500);
  const quiet = await call(seconds * 1000);
  const attacker = await AttackerProcess.start(target.attacked);
  const attacked = await call(seconds * 1000);
  const attacks = await attacker.stop();
  return { quiet, attacked, attacks };
}

/** Calls that did not end with OK. */
export function failedCalls(report: JobReport): number {
  return report.calls - (report.codes["OK"] ?? 0);
}
