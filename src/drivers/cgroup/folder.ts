/** A control group is a folder, in both versions. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signal } from "../host/process-tree.ts";
import { readOrEmpty } from "../host/read-or-none.ts";

/** Kills everything in the group: by its one switch in version 2 (`cgroup.kill`, Linux 5.14), else one by one. */
export function killCgroup(folder: string): void {
  const kill = join(folder, "cgroup.kill");
  if (existsSync(kill)) writeFileSync(kill, "1");
  else for (const pid of processesIn(folder)) signal(pid, "SIGKILL");
}

/** Whether nothing runs in it, or it is gone. Zombies are not counted by the kernel. */
export function isCgroupEmpty(folder: string): boolean {
  return processesIn(folder).length === 0;
}

/** Removes an empty group with the groups below it; leaves one in which something runs. */
export function removeCgroup(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // Busy or gone: the next start of Sluice looks at it again.
  }
}

/** How often the kernel has killed a process in these groups for want of memory; what is gone counts for nothing. */
export function outOfMemoryKillsIn(folders: readonly string[]): number {
  return folders.reduce((sum, folder) => {
    // Version 2, and the memory controller of version 1.
    const text = readOrEmpty(join(folder, "memory.events")) || readOrEmpty(join(folder, "memory.oom_control"));
    return sum + outOfMemoryKillsOf(text);
  }, 0);
}

/** As both versions write it: a line `oom_kill N`. */
export function outOfMemoryKillsOf(text: string): number {
  return Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0);
}

function processesIn(folder: string): number[] {
  try {
    const pids = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n");
    return pids.filter((pid) => pid !== "").map(Number);
  } catch {
    return [];
  }
}
