/** What an instance uses where its control groups are out of our reach: asked of the engine, at every look for the next. */
import type Docker from "dockerode";
import type { Cgroup } from "../cgroup/cgroup.ts";
import type { InstanceUsage } from "../driver.ts";

const NANO_PER_SECOND = 1e9;

/** A group that limits nothing (the engine does) and counts no kills (the engine tells). */
export function engineCgroup(container: Docker.Container): Cgroup {
  let latest: InstanceUsage | undefined;
  let isAsking = false;
  const ask = async (): Promise<void> => {
    try {
      const stats = await container.stats({ stream: false, "one-shot": true });
      latest = readStats(stats, latest);
    } catch {
      // It has ended, or the engine does not answer: the last look counts.
    }
    isAsking = false;
  };
  return {
    joinFiles: [],
    folders: [],
    freezer: undefined,
    limit() {},
    outOfMemoryKills: () => 0,
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
