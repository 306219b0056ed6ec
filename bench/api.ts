/**
 * The API at ten thousand functions: reading one, a page of a hundred, and deploying a zip of 20 MB until it is in force;
 * and what calls notice meanwhile: their p99 with deploys and reads going on beside, against none, in pairs.
 */
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";
import type { Client } from "../src/client/client.ts";
import { runJob } from "../test/support/clients.ts";
import { startFleet, timed } from "./lib/fleet-session.ts";
import { fleetName } from "./lib/fleet-store.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { median, percentile, round } from "./lib/statistics.ts";

const FUNCTIONS = 10_000;
const PACKAGE_BYTES = 20 * 1024 ** 2;
const CALLS_PER_SECOND = 500;

export async function run(length: BenchLength): Promise<BenchResult> {
  const isShort = length.seconds < 5;
  const functions = isShort ? 1_000 : FUNCTIONS;
  await using fleet = await startFleet(functions);
  const { sluice, client, info } = fleet;
  const get = (index: number) => {
    const { serviceName, functionName } = fleetName((index * 37) % functions);
    return client.functions(serviceName).get(functionName);
  };
  const page = (index: number) => client.functions(fleetName((index * 100) % functions).serviceName).list();
  await timed(100, get);
  const gets = await timed(isShort ? 100 : 2_000, get);
  const pages = await timed(isShort ? 20 : 300, page);
  const packages = await Promise.all(Array.from({ length: isShort ? 1 : 7 }, packageText));
  const deploys = await timed(packages.length, (index) => deploy(client, index, packages[index]));

  const job = { durationMs: length.seconds * 1000, workers: 32, connections: 8, ratePerSecond: CALLS_PER_SECOND };
  await runJob(sluice, info, { ...job, durationMs: 1000 });
  const ratios: number[] = [];
  const quiet: number[] = [];
  const beside: number[] = [];
  let failed = 0;
  for (let pair = 0; pair < length.pairs; pair += 1) {
    const calm = await runJob(sluice, info, job);
    const load = runJob(sluice, info, job);
    let done = false;
    void load.finally(() => {
      done = true;
    });
    for (let index = 0; !done; index += 1) {
      await deploy(client, index);
      await get(index);
      await page(index);
    }
    const busy = await load;
    failed += calm.calls - (calm.codes["OK"] ?? 0) + busy.calls - (busy.codes["OK"] ?? 0);
    quiet.push(calm.latencyMs.p99);
    beside.push(busy.latencyMs.p99);
    ratios.push(busy.latencyMs.p99 / calm.latencyMs.p99);
  }
  const row = (what: string, ms: readonly number[]) => ({
    what,
    count: ms.length,
    "p50 ms": round(percentile(ms, 0.5), 2),
    "p99 ms": round(percentile(ms, 0.99), 2),
  });
  return {
    bench: "api",
    rows: [
      row("get a function", gets),
      row("list a page of 100", pages),
      row("deploy a zip of 20 MB", deploys),
      row("p99 of calls, quiet", quiet),
      row("p99 of calls, deploys beside", beside),
    ],
    bars: [
      { name: "get-p99-ms", value: round(percentile(gets, 0.99), 2), limit: 3 },
      { name: "list-p99-ms", value: round(percentile(pages, 0.99), 2), limit: 20 },
      { name: "deploy-s", value: round(median(deploys) / 1000, 2), limit: 1.5 },
      { name: "gateway-p99-vs-quiet", value: failed > 0 ? null : round(median(ratios), 2), limit: 1.2 },
    ],
    notes: [
      `${functions} functions; ${CALLS_PER_SECOND} calls/s for ${length.seconds} s, ${length.pairs} pairs, spread ${round(Math.min(...ratios), 2)}-${round(Math.max(...ratios), 2)}`,
      "beside the calls one client deploys 20 MB after 20 MB and reads; client, packing and Sluice share this machine's cores",
      ...(failed > 0 ? [`${failed} calls failed: the run is void`] : []),
    ],
  };
}

/** Deploys a package of other bytes each time, which do not compress. */
async function deploy(client: Client, index: number, zipFile?: string): Promise<void> {
  const { serviceName, functionName } = fleetName(index % 100);
  await client.functions(serviceName).update(functionName, { code: { zipFile: zipFile ?? (await packageText()) } });
}

async function packageText(): Promise<string> {
  const zip = new ZipFile();
  zip.addBuffer(randomBytes(PACKAGE_BYTES), "bootstrap", { mode: 0o100755, compress: false });
  zip.end();
  return (await buffer(zip.outputStream as NodeJS.ReadableStream)).toString("base64");
}
