/**
 * A hundred thousand functions with a route each: how long a start takes, whether calls notice, and how soon a change is
 * in force, which the API's answer says.
 */
import type { Info, Sluice } from "../test/support/sluice.ts";
import { startFleet, timed } from "./lib/fleet-session.ts";
import { fleetName } from "./lib/fleet-store.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { openSession, timedCall } from "./lib/sluice-session.ts";
import { median, percentile, round } from "./lib/statistics.ts";

const FUNCTIONS = 100_000;

export async function run(length: BenchLength): Promise<BenchResult> {
  const isShort = length.seconds < 5;
  const functions = isShort ? 2_000 : FUNCTIONS;
  const calls = isShort ? 100 : 2_000;
  const changes = isShort ? 10 : 200;
  let alone: number[] = [];
  await using fleet = await startFleet(functions, async (sluice, info) => {
    alone = await latencies(sluice, info, calls);
  });
  const { sluice, client, info, startMs, startCpuMs } = fleet;
  const among = await latencies(sluice, info, calls);
  const took = await timed(changes, (index) => {
    const { serviceName, functionName } = fleetName(Math.floor((index * functions) / changes));
    return client.functions(serviceName).update(functionName, { environmentVariables: { CHANGE: String(index) } });
  });
  const row = (what: string, ms: readonly number[]) => ({
    what,
    "p50 ms": round(percentile(ms, 0.5), 2),
    "p95 ms": round(percentile(ms, 0.95), 2),
    "p99 ms": round(percentile(ms, 0.99), 2),
  });
  return {
    bench: "fleet",
    rows: [
      row("call, the only function", alone),
      row(`call, among ${functions}`, among),
      row("change of a function until in force", took),
    ],
    bars: [
      { name: "start-s", value: round(startMs / 1000, 2), limit: 5 },
      { name: "call-vs-alone", value: round(median(among) / median(alone), 2), limit: 1.2 },
      { name: "change-p95-ms", value: round(percentile(took, 0.95), 1), limit: 20 },
    ],
    notes: [
      `${functions} functions with a trigger each, copies of one in the database; plain processes`,
      `the start took ${round(startCpuMs / 1000, 1)} s of CPU time, in two threads`,
      "calls are unary, one after the other on one connection",
    ],
  };
}

async function latencies(sluice: Sluice, info: Info, calls: number): Promise<number[]> {
  const session = await openSession(sluice, info);
  const authority = info.host ?? "";
  await timed(Math.ceil(calls / 4), () => timedCall(session, authority));
  const took = await timed(calls, () => timedCall(session, authority));
  session.close();
  return took;
}
