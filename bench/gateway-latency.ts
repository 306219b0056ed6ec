/**
 * What Sluice adds to the time of a unary call at 1,000 calls a second, which wait for no answer: against the same
 * function reached directly, without TLS, in turn. The load generator is the same program for both.
 */
import { Sluice } from "../test/support/sluice.ts";
import type { Target } from "./lib/load-connection.ts";
import { runLoad } from "./lib/load-process.ts";
import { deployPlain, messageOf, portOf, startDirect } from "./lib/plain-function.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { median, round } from "./lib/statistics.ts";

const CALLS_PER_SECOND = 1_000;
const CONNECTIONS = 10;

/** What `open-loop-main.ts` prints. */
interface Latency {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export async function run(length: BenchLength): Promise<BenchResult> {
  await using direct = await startDirect();
  await using sluice = await Sluice.start({ configuration: { instancesMax: 1 } });
  await deployPlain(sluice);
  const target = { port: portOf(sluice), tls: true };
  const without: Latency[] = [];
  const through: Latency[] = [];
  await latencyOf(target, Math.min(1, length.seconds));
  for (let pair = 0; pair < length.pairs; pair++) {
    without.push(await latencyOf({ port: direct.port, tls: false }, length.seconds));
    through.push(await latencyOf(target, length.seconds));
  }
  const added = (share: "p50Ms" | "p99Ms") => through.map((one, pair) => one[share] - (without[pair]?.[share] ?? 0));
  const row = (side: string, runs: readonly Latency[]) => ({
    side,
    "p50 ms": round(median(runs.map((one) => one.p50Ms)), 3),
    "p99 ms": round(median(runs.map((one) => one.p99Ms)), 3),
    "max ms": round(Math.max(...runs.map((one) => one.maxMs)), 1),
    calls: runs.reduce((sum, one) => sum + one.calls, 0),
  });
  const spread = (values: readonly number[]) => `${round(Math.min(...values), 2)}-${round(Math.max(...values), 2)}`;
  return {
    bench: "gateway-latency",
    rows: [row("direct", without), row("sluice", through)],
    bars: [
      { name: "added-p50-ms", value: round(median(added("p50Ms")), 3), limit: 0.25 },
      { name: "added-p99-ms", value: round(median(added("p99Ms")), 3), limit: 1 },
    ],
    notes: [
      `${CALLS_PER_SECOND} calls/s of 16 bytes over ${CONNECTIONS} connections; medians of ${length.pairs} pairs of ${length.seconds} s`,
      `spread of what is added: p50 ${spread(added("p50Ms"))} ms, p99 ${spread(added("p99Ms"))} ms`,
      "direct is without TLS; generator, gateway and function share this machine's cores",
    ],
  };
}

function latencyOf(target: Target, seconds: number): Promise<Latency> {
  return runLoad("open-loop-main.ts", {
    target,
    connections: CONNECTIONS,
    callsPerSecond: CALLS_PER_SECOND,
    seconds,
    path: "/test.Echo/Unary",
    body: messageOf(16).toString("base64"),
  });
}
