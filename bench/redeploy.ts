/**
 * 1,000 calls a second while the function is redeployed again and again, beside the same load in peace: calls that
 * failed, and what the redeploys add to the slowest. Each redeploy changes a variable, through the API, and waits until
 * the new revision serves.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/base.ts";
import { Client } from "../src/client/client.ts";
import { type JobReport, runJob } from "../test/support/clients.ts";
import { eventually, type Info, Sluice } from "../test/support/sluice.ts";
import { ONE_ADDRESS } from "./lib/one-address.ts";
import { deployPlain } from "./lib/plain-function.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { round } from "./lib/statistics.ts";

const CALLS_PER_SECOND = 1_000;
const REDEPLOYS = 20;

export async function run(length: BenchLength): Promise<BenchResult> {
  const isShort = length.seconds < 5;
  const redeploys = isShort ? 2 : REDEPLOYS;
  const durationMs = isShort ? 2_000 : 20_000;
  await using sluice = await Sluice.start({ isolation: "sandbox", configuration: ONE_ADDRESS });
  const info = await deployPlain(sluice);
  const job = { durationMs, workers: 64, connections: 8, ratePerSecond: CALLS_PER_SECOND, payloadBytes: 16 };
  await runJob(sluice, info, { ...job, durationMs: 1_000 });
  const steady = await runJob(sluice, info, job);
  const load = runJob(sluice, info, job);
  const took: number[] = [];
  const startedAt = performance.now();
  for (let count = 0; count < redeploys; count++) {
    await pause(startedAt + ((count + 0.5) * durationMs) / redeploys - performance.now());
    const beganAt = performance.now();
    await redeploy(sluice, info, count);
    took.push(performance.now() - beganAt);
  }
  const changing = await load;
  const row = (what: string, report: JobReport) => ({
    what,
    calls: report.calls,
    failed: failedOf(report),
    "p50 ms": round(report.latencyMs.p50, 2),
    "p99 ms": round(report.latencyMs.p99, 2),
    "max ms": round(report.latencyMs.max, 1),
  });
  return {
    bench: "redeploy",
    rows: [row("in peace", steady), row(`with ${redeploys} redeploys`, changing)],
    bars: [
      { name: "failed-calls", value: failedOf(changing) + failedOf(steady), limit: 0 },
      { name: "p99-vs-steady", value: round(changing.latencyMs.p99 / steady.latencyMs.p99, 2), limit: 3 },
    ],
    notes: [
      `${CALLS_PER_SECOND} calls/s over ${job.connections} connections for ${durationMs / 1000} s each`,
      `a redeploy serves after ${round(Math.min(...took), 0)}-${round(Math.max(...took), 0)} ms, seen from the API`,
      "client, gateway, old and new instances share this machine's cores",
    ],
  };
}

function failedOf(report: JobReport): number {
  return report.calls - (report.codes["OK"] ?? 0);
}

async function redeploy(sluice: Sluice, { serviceName, functionName }: Info, count: number): Promise<void> {
  const client = new Client(endpointOf(sluice), systemClock);
  await client.functions(serviceName).update(functionName, { environmentVariables: { REDEPLOY: String(count) } });
  await eventually("the new revision serves", async () => {
    const infos = await client.functionInfos();
    const found = infos.find((one) => one.serviceName === serviceName && one.functionName === functionName);
    return found !== undefined && found.revisionId === found.servingRevisionId && found.next === undefined;
  });
}

function endpointOf(sluice: Sluice) {
  const credentials = JSON.parse(readFileSync(join(sluice.dataDir, "credentials.json"), "utf8"));
  return { apiUrl: sluice.endpoint.apiUrl, ...credentials };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.wakeAfter(Math.max(0, ms), resolve);
  });
}
