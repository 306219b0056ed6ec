/**
 * One function at instanceConcurrency 1, and a burst of calls on it while none of its instances runs: from the first
 * send until the last call has the head of its answer. Every call stays open until then, so that each needs an instance
 * of its own: a Go server in the sandbox with uid, cgroups, /tmp and network.
 */
import { eventually, type Info, Sluice } from "../test/support/sluice.ts";
import { ONE_ADDRESS } from "./lib/one-address.ts";
import { deployPlain } from "./lib/plain-function.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { openSession, sendCall } from "./lib/sluice-session.ts";
import { median, round } from "./lib/statistics.ts";

const BURST = 100;

/** Ready network namespaces: the most that the configuration allows, for a platform that expects bursts. */
const POOL_SIZE = 64;

/** More than all bursts together start: their speed is measured, not its limit. */
const GROWTH_BURST = 10_000;

/** What became of one burst. */
interface Burst {
  readonly seconds: number;
  readonly failed: number;
}

export async function run(length: BenchLength): Promise<BenchResult> {
  const calls = length.seconds < 5 ? 10 : BURST;
  const configuration = { ...ONE_ADDRESS, idleStopMs: 1, networkPoolSize: POOL_SIZE, growthBurst: GROWTH_BURST };
  await using sluice = await Sluice.start({ isolation: "sandbox", configuration });
  const info = await deployPlain(sluice, { instanceConcurrency: 1, memorySize: 128 });
  const bursts: Burst[] = [];
  for (let round = 0; round < length.pairs; round++) bursts.push(await burst(sluice, info, calls));
  const seconds = bursts.map((one) => one.seconds);
  const failed = bursts.reduce((sum, one) => sum + one.failed, 0);
  return {
    bench: "scale-out",
    rows: [
      {
        what: `${calls} calls at once, ${calls} instances`,
        "median s": round(median(seconds), 2),
        "min s": round(Math.min(...seconds), 2),
        "max s": round(Math.max(...seconds), 2),
        "ms for each": round((median(seconds) * 1000) / calls, 1),
        failed,
      },
    ],
    bars: [
      { name: "seconds-to-100", value: calls < BURST ? null : round(median(seconds), 2), limit: 1.6 },
      { name: "failed-calls", value: failed, limit: 0 },
    ],
    notes: [
      `${bursts.length} bursts over one connection, each when no instance runs; memorySize 128; idleStopMs 1; networkPoolSize ${POOL_SIZE}`,
    ],
  };
}

async function burst(sluice: Sluice, info: Info, calls: number): Promise<Burst> {
  await eventually("the function is cold", async () => {
    const { instances } = await sluice.info(info.serviceName, info.functionName);
    return instances.length === 0;
  });
  const session = await openSession(sluice, info);
  try {
    const sentAt = performance.now();
    const heads = Array.from({ length: calls }, () => headOf(sendCall(session, info.host ?? "", "Hold")));
    const answers = await Promise.all(heads);
    const seconds = (performance.now() - sentAt) / 1000;
    return { seconds, failed: answers.filter((isHeld) => !isHeld).length };
  } finally {
    session.destroy();
  }
}

/** True: the call was answered and is open. False: it ended. */
function headOf(stream: ReturnType<typeof sendCall>): Promise<boolean> {
  return new Promise((resolve) => {
    stream.on("response", (headers) => resolve(headers["grpc-status"] === undefined));
    stream.on("error", () => resolve(false));
    stream.on("close", () => resolve(false));
    stream.resume();
  });
}
