/**
 * The process around a program where Linux lets us make namespaces: `setpriv --pdeathsig` (it ends with the spawner),
 * `unshare --pid --kill-child` (a pid namespace: when its first process ends, the kernel ends all others, whatever
 * sessions they have made, and reaps them before anybody hears of the end), then /bin/sh, which reads what to do from
 * its standard input.
 *
 * spawner ── unshare ── sh, later bwrap (first of the pid namespace) ── ... ── program
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Cgroup } from "../cgroup/cgroup.ts";
import { TOOL_PATH } from "../host/find-tool.ts";
import { childrenOf, signal } from "../host/process-tree.ts";
import type { Footprint } from "./footprint.ts";

/** The command that makes such a shell; `namespaces` are further options of unshare(1), `within` a command that runs it. */
export function namespacedShell(namespaces: readonly string[], within: readonly string[] = []): readonly string[] {
  const unshare = ["unshare", ...namespaces, "--pid", "--fork", "--kill-child", "/bin/sh"];
  return ["setpriv", "--pdeathsig", "KILL", ...within, ...unshare];
}

/** Starts it in a session of its own, so that Ctrl-C in a terminal does not reach it; the environment is empty. */
export function spawnNamespacedShell(namespaces: readonly string[], within: readonly string[] = []): ChildProcess {
  const [program = "", ...rest] = namespacedShell(namespaces, within);
  const child = spawn(program, rest, { cwd: "/", env: { PATH: TOOL_PATH }, detached: true });
  // Writing to a shell that has ended fails; its exit tells more than the broken pipe.
  child.stdin.on("error", () => {});
  return child;
}

/** How the processes stand below each other: unshare, the first of the pid namespace, what that runs. */
const FIRST_INSIDE = 1;
const RUN_BY_FIRST = 2;

/** The process `generations` below the one that Sluice started; undefined where there is none yet. */
export function descendant(child: ChildProcess, generations: number): number | undefined {
  let pid = child.pid;
  for (let depth = 0; depth < generations && pid !== undefined; depth++) pid = childrenOf(pid)[0];
  return pid;
}

/**
 * Ends everything inside. What the first process runs is killed rather than the first process itself: that one then
 * ends of its own accord, and with it the namespace, where unshare(1) 2.38 prints an error when its child is killed.
 */
export function killInside(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const target = descendant(child, RUN_BY_FIRST) ?? descendant(child, FIRST_INSIDE);
  if (target === undefined || !signal(target, "SIGKILL")) child.kill("SIGKILL");
}

export function namespacedFootprint(child: ChildProcess, { folders, freezer }: Cgroup): Footprint {
  const pids = [child.pid, descendant(child, FIRST_INSIDE)].filter((pid) => pid !== undefined);
  return { pids, processGroup: undefined, cgroupFolders: folders, freezer, mark: undefined };
}

/** setpriv(1) from root to a function's uid, with no way back. */
export function dropTo(uid: number): readonly string[] {
  const identity = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
  return ["setpriv", ...identity, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"];
}
