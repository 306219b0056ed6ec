import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in ticks of 10 ms (USER_HZ is 100 on every architecture). */
const TICK_MS = 10;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/**
 * CPU time, user + system, of the process `pid` and all its descendants, without those below the processes that
 * `leaveOut` names by command line (the function itself is no cost of a gateway). Milliseconds.
 */
export function cpuTimeMs(pid: number, leaveOut: (commandLine: string) => boolean = () => false): number {
  const all = readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((times) => times !== undefined);
  const children = Map.groupBy(all, (times) => times.parent);
  const total = (times: ProcessTimes): number => {
    if (leaveOut(commandLineOf(times.pid))) return 0;
    return times.ticks + (children.get(times.pid) ?? []).reduce((sum, child) => sum + total(child), 0);
  };
  const root = all.find((times) => times.pid === pid);
  if (root === undefined) throw new Error(`There is no process ${pid}`);
  return total(root) * TICK_MS;
}

/** Fields of /proc/PID/stat behind the name, which may hold blanks (proc(5)). */
function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [parent, user, system, waitedUser, waitedSystem] = [1, 11, 12, 13, 14].map((index) => Number(fields[index]));
    return { pid, parent: parent ?? 0, ticks: (user ?? 0) + (system ?? 0) + (waitedUser ?? 0) + (waitedSystem ?? 0) };
  } catch {
    return undefined; // It ended in between.
  }
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
