import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type Fixtures, fixtures } from "../fixtures/build.ts";
import { type Info, runCommand, type Sluice } from "./sluice.ts";

/** A job of the Go test client; test/fixtures/go/client/job.go says what each field means. */
export interface Job {
  readonly kind?: "unary" | "serverStream" | "clientStream" | "bidi";
  readonly calls?: number;
  readonly durationMs?: number;
  readonly workers?: number;
  readonly connections?: number;
  readonly ratePerSecond?: number;
  readonly messages?: number;
  readonly payload?: string;
  readonly payloadBytes?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  readonly cancelAfterMs?: number;
  readonly cancelAfterMessages?: number;
  readonly holdMs?: number;
  readonly allOpen?: boolean;
}

/** One call; `messages` are its replies, `seen` is what the function saw of it. */
export interface CallReport {
  readonly code: string;
  readonly message: string;
  readonly messages: number;
  readonly latencyMs: number;
  readonly trailers?: Readonly<Record<string, readonly string[]>>;
  readonly seen?: {
    readonly deadlineMs?: number;
    readonly messages?: number;
    readonly pid?: number;
    readonly metadata?: Readonly<Record<string, readonly string[]>>;
  };
}

export interface JobReport {
  readonly calls: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly mismatches: number;
  /** Replies by the process that gave them. */
  readonly pids: Readonly<Record<string, number>>;
  /** Most calls that an instance saw at once. */
  readonly peakCalls: number;
  /** Each of the first 1,000 calls. */
  readonly details: readonly CallReport[];
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface MatrixReport {
  readonly client: string;
  readonly ok: boolean;
  readonly cases: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

let built: Promise<Fixtures> | undefined;

/** Why a suite that needs the Go programs cannot run here, for `skip`; throws in CI, where nothing may be missing. */
export const goMissing = missingPart(
  spawnSync("go", ["version"]).status === 0 ? undefined : "Go is not installed (https://go.dev/dl)",
);

/** The test programs, built once for all tests of a file. */
export function testPrograms(): Promise<Fixtures> {
  built ??= fixtures();
  return built;
}

/** Has the Go client make the calls of a job; `flags` say where to, and whom to trust. */
export async function runJob(
  sluice: Sluice,
  info: Info,
  job: Job,
  flags: readonly string[] = sluice.clientFlags(info),
): Promise<JobReport> {
  const { go } = await testPrograms();
  const { code, stdout, stderr } = await runCommand(go.client, [...flags, "run"], { input: JSON.stringify(job) });
  if (code !== 0) throw new Error(`The Go client exited with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Makes one call: how it went, and the platform's word for its fault, where it has one. */
export async function callOnce(
  sluice: Sluice,
  info: Info,
  job: Job = {},
): Promise<CallReport & { readonly errorType: string }> {
  const { details } = await runJob(sluice, info, { kind: "unary", payload: "fault", deadlineMs: 60_000, ...job });
  const report = details[0];
  if (report === undefined) throw new Error("The Go client made no call");
  return { ...report, errorType: report.trailers?.["x-fc-error-type"]?.[0] ?? "" };
}

/** Has a client check every kind of call once: its command, then the flags of the endpoint, then what it is to do. */
export async function runMatrix(command: readonly string[], flags: readonly string[]): Promise<MatrixReport> {
  const [program, ...args] = command as [string, ...string[]];
  const { code, stdout, stderr } = await runCommand(program, [...args, ...flags]);
  if (code !== 0) throw new Error(`${program} exited with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}

/** The flags of the endpoint as the clients in scripts take them: with two dashes. */
export function dashed(flags: readonly string[]): string[] {
  return flags.map((flag) => (flag.startsWith("-") ? `-${flag}` : flag));
}

/** Fails where a case of the matrix did, and where there were too few to mean anything. */
export function assertMatrix(report: MatrixReport): void {
  const failed = report.cases.filter((each) => !each.ok);
  assert.deepEqual(failed, [], `${report.client}: ${failed.map((each) => `${each.name}: ${each.detail}`).join("; ")}`);
  assert.equal(report.ok, true);
  assert.ok(report.cases.length >= 10);
}

/** A folder that holds this one program alone, to be deployed. */
export function folderOf(program: string): string {
  const folder = `${program}.code`;
  const file = join(folder, basename(program));
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    linkSync(program, file);
  }
  return folder;
}

/** What must be there to test everything: in CI a missing part is a failure, elsewhere the reason to skip. */
export function missingPart(reason: string | undefined): string | false {
  if (reason === undefined) return false;
  if (process.env["CI"]) throw new Error(`Missing in CI: ${reason}`);
  return reason;
}
