import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { testPrograms } from "../../support/clients.ts";
import type { Platform } from "./platform.ts";
import type { ScheduledCall } from "./schedule.ts";

/** What became of a call; times are Unix epoch milliseconds. */
export interface CallResult {
  readonly id: string;
  readonly dueAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Name of the gRPC status. */
  readonly code: string;
  readonly message?: string;
  readonly errorType?: string;
  readonly requestId?: string;
  readonly messages: number;
  readonly matches: boolean;
  readonly pid?: number;
  readonly peakCalls?: number;
}

/** Has one Go process make all calls of a schedule, each at its time; resolves when all have ended. */
export async function makeCalls(platform: Platform, calls: readonly ScheduledCall[]): Promise<CallResult[]> {
  const { go } = await testPrograms();
  const { grpcAddress, caFile } = platform.sluice.endpoint;
  const child = spawn(go.client, ["-addr", grpcAddress, "-cafile", caFile, "schedule"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  child.stdin.on("error", () => {});
  for (const { role, ...call } of calls) {
    child.stdin.write(`${JSON.stringify({ ...call, authority: platform.host(role) })}\n`);
  }
  child.stdin.end();
  const results: CallResult[] = [];
  for await (const line of createInterface({ input: child.stdout })) results.push(JSON.parse(line));
  const code = await ended;
  if (code !== 0) throw new Error(`The client exited with ${code}`);
  return results;
}
