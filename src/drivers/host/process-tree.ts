import { listOrNone, readOrEmpty } from "./read-or-none.ts";
/** What /proc tells about processes. On a system without /proc every answer is "none". */

/** Direct children of every thread of `pid` (proc(5), task/TID/children). */
export function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const thread of listOrNone(`/proc/${pid}/task`)) {
    for (const child of readOrEmpty(`/proc/${pid}/task/${thread}/children`).split(" ")) {
      if (child !== "") children.push(Number(child));
    }
  }
  return children;
}

/** `pid` and everything below it. */
export function treeOf(pid: number): number[] {
  const tree = [pid];
  for (let index = 0; index < tree.length; index++) tree.push(...childrenOf(tree[index]!));
  return tree;
}

const SIGKILL_BIT = 1n << 8n;

/** Whether `pid` still runs: a zombie, which waits only to be reaped, does not. */
export function isRunning(pid: number): boolean {
  const [state] = statusOf(pid);
  if (state === undefined) return process.platform !== "linux" && signal(pid, 0);
  return !ENDED.has(state);
}

/** Whether `pid` still runs and is a child of `parent`, on Linux. */
export function isRunningChild(pid: number, parent: number): boolean {
  const [state, itsParent] = statusOf(pid);
  return state !== undefined && !ENDED.has(state) && Number(itsParent) === parent;
}

const ENDED: ReadonlySet<string> = new Set(["Z", "X"]);

/** State, parent and what else proc(5) has behind the program's name, which stands in brackets and may hold any character. */
function statusOf(pid: number): string[] {
  const status = readOrEmpty(`/proc/${pid}/stat`);
  return status === "" ? [] : status.slice(status.lastIndexOf(")") + 2).split(" ");
}

/**
 * Whether it has been killed and cannot end: frozen by version 1 of control groups it keeps the signal (proc(5), SigPnd
 * of the thread, ShdPnd of the process) until the thaw.
 */
export function isKilled(pid: number): boolean {
  const pending = readOrEmpty(`/proc/${pid}/status`).matchAll(/^(?:SigPnd|ShdPnd):\t([0-9a-f]+)$/gm);
  return [...pending].some(([, signals]) => (BigInt(`0x${signals}`) & SIGKILL_BIT) !== 0n);
}

/** Processes that were started with the variable `name=value` and did not clear their environment. */
export function processesWithVariable(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return listOrNone("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => readOrEmpty(`/proc/${pid}/environ`).split("\0").includes(wanted))
    .map(Number);
}

/** Sends a signal; false when there is no such process (a negative `pid` is a process group), or it is not ours. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** The same for a pid that may not be known (yet). */
export function signalIfThere(pid: number | undefined, name: NodeJS.Signals): boolean {
  return pid !== undefined && signal(pid, name);
}
