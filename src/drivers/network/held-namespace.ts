/** Namespaces of the kernel in which nothing runs: an open file of this process holds each, and so they end with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Clock } from "../../base/base.ts";
import { TOOL_PATH } from "../host/find-tool.ts";

const SET_UP_LIMIT_MS = 10_000;

export interface HeldNamespace {
  /** Leads every process of this user to it, as nsenter(1) takes it. */
  readonly path: string;
  close(): void;
}

export interface HeldNamespacePlan {
  readonly kind: "net" | "user" | "mnt";
  /** What makes the namespace and then runs the command that follows: nsenter(1), unshare(1). */
  readonly maker: readonly string[];
  /** A shell command that runs in it, once, first. */
  readonly setUp?: string;
  /** Is told the process in it, which ends after that. */
  readonly prepare?: (pid: number) => void;
}

/** Rejects with what the maker said. Leaves no process. */
export async function holdNamespace(plan: HeldNamespacePlan, clock: Clock): Promise<HeldNamespace> {
  const script = `${plan.setUp ?? ":"} && echo made && read -r end`;
  // It reads until this process ends, however that is.
  const [program = "", ...rest] = [...plan.maker, "/bin/sh", "-c", script];
  const child = spawn(program, rest, { cwd: "/", env: { PATH: TOOL_PATH }, detached: true });
  child.stdin.on("error", () => {});
  try {
    await isMade(child, clock);
    plan.prepare?.(child.pid!);
    const file = openSync(`/proc/${child.pid}/ns/${plan.kind}`, "r");
    return { path: `/proc/${process.pid}/fd/${file}`, close: () => closeSync(file) };
  } finally {
    child.kill("SIGKILL");
  }
}

function isMade(child: ChildProcess, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (reason: string): void => {
      wakeUp.cancel();
      reject(new Error(`a namespace cannot be made: ${said.trim() || reason}`));
    };
    const wakeUp = clock.wakeAfter(SET_UP_LIMIT_MS, () => fail(`not within ${SET_UP_LIMIT_MS} ms`));
    child.stderr!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stdout!.once("data", () => {
      wakeUp.cancel();
      resolve();
    });
    child.once("close", () => fail("its process ended")).once("error", (error) => fail(error.message));
  });
}
