/** What an instance uses where its control groups are not ours. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import type { Cgroup } from "../cgroup/cgroup.ts";
import { readMounts } from "../cgroup/mounts.ts";
import { readUsage, type UsageFiles, version1Files, version2Files } from "../cgroup/usage.ts";
import type { InstanceUsage } from "../driver.ts";
import { readOrEmpty } from "../host/read-or-none.ts";

const NANO_PER_SECOND = 1e9;

const OUTSIDE = { joinFiles: [], folders: [], freezer: undefined, limit() {}, capCpu() {} } as const;

/**
 * The group that the engine has made for the process `pid` of this system: read, and nothing else. `ranOutOfMemory`: what
 * the engine has told. Undefined where it cannot be found, or does not count memory.
 */
export function observedCgroup(pid: number, ranOutOfMemory: () => boolean): Cgroup | undefined {
  const found = findFiles(pid);
  if (found === undefined) return undefined;
  const first = readOr(undefined, () => readUsage(found.files, undefined));
  return {
    ...OUTSIDE,
    outOfMemoryKills: () => (ranOutOfMemory() ? 1 : readOr(0, () => readKills(found.kills))),
    // The engine removes it with the container: then the last look counts.
    usage: (before) => readOr(before ?? first, () => readUsage(found.files, before)),
  };
}

function findFiles(pid: number): { readonly files: UsageFiles; readonly kills: string } | undefined {
  const { version1, version2 } = readMounts();
  const memory = groupOf(pid, "memory");
  const cpu = groupOf(pid, "cpuacct");
  const memoryRoot = version1.get("memory");
  const cpuRoot = version1.get("cpuacct");
  if (memory !== undefined && cpu !== undefined && memoryRoot !== undefined && cpuRoot !== undefined) {
    const folder = join(memoryRoot, memory);
    const files = version1Files(folder, { version: 1, file: join(cpuRoot, cpu, "cpuacct.usage") });
    return existsSync(files.memory) ? { files, kills: join(folder, "memory.oom_control") } : undefined;
  }
  const group = groupOf(pid, "");
  if (group === undefined || version2 === undefined) return undefined;
  const folder = join(version2, group);
  const files = version2Files(folder);
  return existsSync(files.memory) ? { files, kills: join(folder, "memory.events") } : undefined;
}

/** Path of its group in the hierarchy of a controller of version 1, or ("") in that of version 2 (cgroups(7)). */
function groupOf(pid: number, controller: string): string | undefined {
  for (const line of readOrEmpty(`/proc/${pid}/cgroup`).split("\n")) {
    const [, controllers = "", ...path] = line.split(":");
    if (path.length > 0 && controllers.split(",").includes(controller)) return path.join(":");
  }
  return undefined;
}

function readKills(file: string): number {
  return Number(/^oom_kill (\d+)/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
}

function readOr<T>(instead: T, read: () => T): T {
  try {
    return read();
  } catch {
    return instead;
  }
}

/** Where the engine is elsewhere: asked of it, at every look for the next. `ranOutOfMemory`: what it has told. */
export function engineCgroup(container: Docker.Container, ranOutOfMemory: () => boolean): Cgroup {
  let latest: InstanceUsage | undefined;
  let isAsking = true;
  const ask = async (): Promise<void> => {
    try {
      const stats = await container.stats({ stream: false, "one-shot": true });
      latest = readStats(stats, latest);
    } catch {
      // It has ended, or the engine does not answer: the last look counts.
    }
    isAsking = false;
  };
  void ask();
  return {
    ...OUTSIDE,
    outOfMemoryKills: () => (ranOutOfMemory() ? 1 : 0),
    usage() {
      if (!isAsking) {
        isAsking = true;
        void ask();
      }
      return latest;
    },
  };
}

/** Docker Engine API, "Get container stats based on resource usage"; the very `before` where no CPU was used since. */
export function readStats(
  { memory_stats: memory, cpu_stats: cpu }: Docker.ContainerStats,
  before: InstanceUsage | undefined,
): InstanceUsage | undefined {
  if (cpu?.cpu_usage?.total_usage === undefined || memory?.usage === undefined) return before;
  const cpuSeconds = cpu.cpu_usage.total_usage / NANO_PER_SECOND;
  if (before?.cpuSeconds === cpuSeconds) return before;
  const stats = memory.stats as { readonly total_inactive_file?: number; readonly inactive_file?: number } | undefined;
  const inactive = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return {
    memoryBytes: Math.max(0, memory.usage - inactive),
    memoryPeakBytes: Math.max(memory.max_usage ?? 0, memory.usage, before?.memoryPeakBytes ?? 0),
    cpuSeconds,
  };
}
