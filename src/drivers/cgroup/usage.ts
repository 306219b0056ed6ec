/** What a control group has used (cgroup-v2.rst; cgroup-v1/memory.rst and cpuacct.rst). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { InstanceUsage } from "../driver.ts";

/** The files that tell it: each version has its own. */
export interface UsageFiles {
  readonly memory: string;
  readonly memoryPeak: string;
  readonly memoryStat: string;
  /** File pages that the kernel would drop first, in `memoryStat`: in version 1 with those of the groups below. */
  readonly inactiveFile: RegExp;
  /** The one of version 2, which needs no controller, or that of the controller cpuacct of version 1. */
  readonly cpu: { readonly version: 1 | 2; readonly file: string };
}

export function version2Files(folder: string): UsageFiles {
  return {
    memory: join(folder, "memory.current"),
    memoryPeak: join(folder, "memory.peak"),
    memoryStat: join(folder, "memory.stat"),
    inactiveFile: /^inactive_file (\d+)/m,
    cpu: { version: 2, file: join(folder, "cpu.stat") },
  };
}

export function version1Files(memoryFolder: string, cpu: UsageFiles["cpu"]): UsageFiles {
  return {
    memory: join(memoryFolder, "memory.usage_in_bytes"),
    memoryPeak: join(memoryFolder, "memory.max_usage_in_bytes"),
    memoryStat: join(memoryFolder, "memory.stat"),
    inactiveFile: /^total_inactive_file (\d+)/m,
    cpu,
  };
}

/** Reads it. The very `before` where no CPU was used since: then nothing else has changed. Throws where it is gone. */
export function readUsage(files: UsageFiles, before: InstanceUsage | undefined): InstanceUsage {
  const cpuSeconds = readCpuSeconds(files.cpu);
  if (before?.cpuSeconds === cpuSeconds) return before;
  const memory = Number(readFileSync(files.memory, "utf8"));
  const inactive = Number(files.inactiveFile.exec(readFileSync(files.memoryStat, "utf8"))?.[1] ?? 0);
  const peak = Math.max(readPeak(files.memoryPeak), memory, before?.memoryPeakBytes ?? 0);
  return { memoryBytes: Math.max(0, memory - inactive), memoryPeakBytes: peak, cpuSeconds };
}

function readCpuSeconds({ version, file }: UsageFiles["cpu"]): number {
  const text = readFileSync(file, "utf8");
  return version === 2 ? Number(/^usage_usec (\d+)/m.exec(text)?.[1] ?? 0) / 1e6 : Number(text) / 1e9;
}

/** Before Linux 5.19 version 2 does not tell it: then it is the highest that was seen. */
function readPeak(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}
