import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processesNaming } from "../../../src/drivers/testing/host-inventory.ts";
import { memoryOf } from "../../attack/support/memory.ts";
import { eventually } from "../../support/sluice.ts";
import { checkCalls } from "./check-calls.ts";
import { checkExecutions, checkUsage } from "./check-executions.ts";
import { type CallResult, makeCalls } from "./client-process.ts";
import { Executions } from "./executions.ts";
import { FLEET } from "./fleet.ts";
import { disturb, type Happened } from "./injector.ts";
import { leftovers, openFilesOf } from "./leftovers.ts";
import { Platform, SERVICE } from "./platform.ts";
import { makeSchedule, type Schedule } from "./schedule.ts";

/** What main may have in memory at most: 280 to 340 MB were seen on a quiet machine, up to 402 beside another load. */
const RESIDENT_MAX_BYTES = 450 * 1024 ** 2;

/** Open files that come and go by themselves: pooled namespaces, the log's files. */
const OPEN_FILES_SLACK = 10;

/** PING proves within 20 s that an instance does not answer; looks are a second apart. */
const HANG_MAX_MS = 24_000;

export interface ChaosReport {
  readonly seed: number;
  readonly calls: number;
  /** Calls by how they ended: the status, with the platform's error type. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly disturbances: Readonly<Record<string, number>>;
  readonly residentPeakMb: number;
  readonly lateMaxMs: number;
  /** Everything that should not have been; empty: all is well. */
  readonly problems: readonly string[];
}

/** Calls a fleet of functions for some seconds while it is being disturbed, all as the seed says, and judges. */
export async function runChaos(options: {
  readonly seed: number;
  readonly seconds: number;
  readonly isolation: "sandbox" | "process";
  /** Where results, disturbances and Sluice's own files are kept of a run with problems; absent: nowhere. */
  readonly evidenceDir?: string;
}): Promise<ChaosReport> {
  const schedule = makeSchedule(options.seed, options.seconds);
  const temporary = mkdtempSync(join(tmpdir(), "chaos-"));
  const platform = await Platform.start(options.isolation, join(temporary, "tmp"));
  const { pid } = platform;
  const { dataDir } = platform.sluice;
  try {
    const openFilesBefore = openFilesOf(pid);
    const calling = makeCalls(platform, schedule.calls);
    const disturbing = disturb(platform, schedule.disturbances, Date.now());
    await eventually("instances are seen by their mark", () => processesNaming(platform.mark).length > 0);
    const [results, happened] = await Promise.all([calling, disturbing]);
    const problems = await judge(platform, schedule, results, happened);
    if (problems.length > 0 && options.evidenceDir !== undefined) {
      keepEvidence(options.evidenceDir, dataDir, { schedule, results, happened, problems });
    }
    problems.push(...(await checkIdle(platform, openFilesBefore)));
    const { peakBytes } = memoryOf(pid);
    if (peakBytes > RESIDENT_MAX_BYTES) problems.push(`main had ${peakBytes} bytes in memory`);
    const code = await platform.sluice.stop();
    if (code !== 0) problems.push(`Sluice exited with ${code}`);
    // The kernel takes a network link away a moment after its namespace.
    await sleep(500);
    problems.push(...leftovers(pid, dataDir, join(temporary, "tmp")).map((what) => `left behind: ${what}`));
    return {
      seed: options.seed,
      calls: results.length,
      outcomes: countBy(results, ({ code: status, errorType = "" }) => `${status} ${errorType}`.trim()),
      disturbances: countBy(happened, ({ disturbance }) => disturbance.kind),
      residentPeakMb: Math.round(peakBytes / 1024 ** 2),
      lateMaxMs: Math.round(Math.max(...results.map(({ startedAt, dueAt }) => startedAt - dueAt))),
      problems,
    };
  } finally {
    await platform.sluice.stop();
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function judge(
  platform: Platform,
  { calls }: Schedule,
  results: readonly CallResult[],
  happened: readonly Happened[],
): Promise<string[]> {
  const executions = await readExecutions(platform);
  const instanceOf = (id: string) => executions.byId.get(id)?.startedOn.at(-1);
  const callsById = new Map(calls.map((call) => [call.id, call]));
  const problems = [
    ...checkCalls(calls, results, happened, instanceOf),
    ...checkExecutions(calls, results, executions),
    ...happened.flatMap(problemsOf),
  ];
  const usage = await platform.client.usage();
  for (const { name } of FLEET) {
    const own = results.filter(({ id }) => callsById.get(id)?.role === name);
    const total = usage.find((each) => each.function === `${SERVICE}/${name}`);
    problems.push(...checkUsage(name, total, own, executions));
  }
  return problems;
}

function problemsOf({ disturbance, problem, fromAt, untilAt }: Happened): string[] {
  const problems = problem === undefined ? [] : [`${JSON.stringify(disturbance)}: ${problem}`];
  if (disturbance.kind === "stop" && untilAt - fromAt > HANG_MAX_MS && disturbance.forMs > HANG_MAX_MS) {
    problems.push(`an instance that was stopped for good still ran after ${untilAt - fromAt} ms`);
  }
  return problems;
}

/** The logs of all functions, once they are written: records come in batches, usage at most half a second later. */
async function readExecutions(platform: Platform): Promise<Executions> {
  await sleep(1500);
  const executions = new Executions();
  for (const { name } of FLEET) {
    for await (const record of platform.client.logs({ function: `${SERVICE}/${name}` })) executions.add(record);
  }
  return executions;
}

/** Once all are idle no instance is left, and main has no more files open than before. */
async function checkIdle(platform: Platform, openFilesBefore: number): Promise<string[]> {
  const instances = async () => (await platform.client.functionInfos()).flatMap((info) => info.instances);
  try {
    await eventually("no instance is left of idle functions", async () => (await instances()).length === 0, 15_000);
    await eventually("no process of an instance is left", () => processesNaming(platform.mark).length === 0);
    await eventually(
      "main has no more open files than before",
      () => openFilesOf(platform.pid) <= openFilesBefore + OPEN_FILES_SLACK,
    );
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function keepEvidence(folder: string, dataDir: string, documents: Readonly<Record<string, unknown>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, document] of Object.entries(documents)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(document, undefined, 1));
  }
  for (const name of ["sluice.log", "logs"]) cpSync(join(dataDir, name), join(folder, name), { recursive: true });
}

function countBy<T>(values: readonly T[], keyOf: (value: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) {
    const key = keyOf(value);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
