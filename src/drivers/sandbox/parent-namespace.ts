/**
 * The network namespace in which those of instances are made, so that each has a small table of TCP connections of its
 * own (kernel: networking/ip-sysctl, tcp_child_ehash_entries; Linux 6.1). Without it all share the machine's table, and
 * to read which sockets listen in one of them the kernel walks the whole of it, over a millisecond each time, as it does
 * when a namespace ends. Nothing runs in it: an open file of the spawner's holds it, and so it ends with the spawner.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import type { Clock } from "../../base/base.ts";
import { TOOL_PATH } from "../host/find-tool.ts";

const SETTING = "/proc/sys/net/ipv4/tcp_child_ehash_entries";
/** At most half as many connections of an instance are remembered after their end (TIME_WAIT). 64 KiB. */
const CONNECTIONS = 8192;
const SET_UP_LIMIT_MS = 10_000;

export interface ParentNamespace {
  /** The command that runs another one, which follows it, inside. */
  readonly enter: readonly string[];
  close(): void;
}

/** Undefined where the kernel has no such setting, or it cannot be made; never rejects. Leaves no process. */
export async function openParentNamespace(clock: Clock): Promise<ParentNamespace | undefined> {
  if (!existsSync(SETTING)) return undefined;
  const script = `echo ${CONNECTIONS} >${SETTING} && echo made && read -r end`;
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "--net", "/bin/sh", "-c", script], {
    cwd: "/",
    env: { PATH: TOOL_PATH },
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  child.stdin.on("error", () => {});
  try {
    if (!(await isMade(child, clock))) return undefined;
    const file = openSync(`/proc/${child.pid}/ns/net`, "r");
    return {
      enter: ["nsenter", `--net=/proc/${process.pid}/fd/${file}`],
      close: () => closeSync(file),
    };
  } catch {
    // It ended in between, or no file can be opened: instances do without.
    return undefined;
  } finally {
    child.kill("SIGKILL");
  }
}

function isMade(child: ChildProcess, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const wakeUp = clock.wakeAfter(SET_UP_LIMIT_MS, () => resolve(false));
    const settle = (made: boolean): void => {
      wakeUp.cancel();
      resolve(made);
    };
    child.stdout!.once("data", () => settle(true));
    child.once("close", () => settle(false)).once("error", () => settle(false));
  });
}
