/** Control groups version 1: one hierarchy for each controller (cgroups(7), kernel: cgroup-v1/memory.rst). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cgroup, type CgroupBudget, type CgroupLimits, type CgroupTree, CPU_SHARES } from "./cgroup.ts";
import { outOfMemoryKillsOf, removeCgroup } from "./folder.ts";
import type { CgroupMounts } from "./mounts.ts";
import { readUsage, type UsageFiles, version1Files } from "./usage.ts";

const PERIOD_US = 100_000;
const BYTES_PER_MB = 1024 * 1024;

/** Makes the tree. Throws where the memory controller is missing or not ours to use. */
export function openVersion1(
  mounts: CgroupMounts,
  name: string,
  budget: CgroupBudget,
): { tree: CgroupTree; roots: string[] } {
  const memory = mounts.version1.get("memory");
  if (memory === undefined) throw new Error("no memory controller of version 1 is mounted");
  const pids = mounts.version1.get("pids");
  const cpu = mounts.version1.get("cpu");
  const limiting = [...new Set([memory, pids, cpu].filter((root) => root !== undefined))];
  for (const root of limiting) mkdirSync(join(root, name), { recursive: true });
  // Before Linux 5.11 a limit holds for the groups below only where that is asked for, before there are any.
  if (existsSync(join(memory, name, "memory.use_hierarchy"))) {
    writeFileSync(join(memory, name, "memory.use_hierarchy"), "1");
  }
  limitMemory(join(memory, name), budget.memoryMb);
  if (cpu !== undefined) writeFileSync(join(cpu, name, "cpu.shares"), String(CPU_SHARES));
  const freezing = openFreezing(mounts, name);
  // Version 2 tells the CPU time without a controller, and each hierarchy to join costs a start some time.
  const measuring = freezing?.version === 2 ? undefined : mounts.version1.get("cpuacct");
  if (measuring !== undefined) mkdirSync(join(measuring, name), { recursive: true });
  const roots = [...new Set([...limiting, freezing?.root, measuring].filter((root) => root !== undefined))];
  const cpuFile = (group: string): UsageFiles["cpu"] | undefined => {
    if (freezing?.version === 2) return { version: 2, file: join(freezing.root, name, group, "cpu.stat") };
    return measuring === undefined ? undefined : { version: 1, file: join(measuring, name, group, "cpuacct.usage") };
  };

  const create = (group: string): Cgroup => {
    const folders = roots.map((root) => join(root, name, group));
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    const set = (root: string, file: string, value: number) =>
      writeFileSync(join(root, name, group, file), String(value));
    const cpuUsage = cpuFile(group);
    const usageFiles = cpuUsage && version1Files(join(memory, name, group), cpuUsage);
    const control = join(memory, name, group, "memory.oom_control");
    return {
      folders,
      freezer: freezing && { version: freezing.version, folder: join(freezing.root, name, group) },
      joinFiles: folders.map((folder) => join(folder, "cgroup.procs")),
      limit({ memoryMb, processesMax }: CgroupLimits) {
        limitMemory(join(memory, name, group), memoryMb);
        if (pids !== undefined) set(pids, "pids.max", processesMax);
      },
      capCpu(cpus) {
        if (cpu === undefined) return;
        set(cpu, "cpu.cfs_period_us", PERIOD_US);
        set(cpu, "cpu.cfs_quota_us", Math.round(cpus * PERIOD_US));
      },
      outOfMemoryKills: () => outOfMemoryKillsOf(readFileSync(control, "utf8")),
      usage: (before) => usageFiles && readUsage(usageFiles, before),
    };
  };
  const close = () => {
    for (const root of roots) removeCgroup(join(root, name));
  };
  const canFreeze = freezing !== undefined;
  const canMeasure = cpuFile("") !== undefined;
  return {
    tree: {
      version: 1,
      path: `/${name}`,
      limitsProcesses: pids !== undefined,
      capsCpu: cpu !== undefined,
      canFreeze,
      canMeasure,
      create,
      close,
    },
    roots,
  };
}

/** Memory and swap together as much as memory: no swap. */
function limitMemory(folder: string, memoryMb: number): void {
  const bytes = String(memoryMb * BYTES_PER_MB);
  writeFileSync(join(folder, "memory.limit_in_bytes"), bytes);
  // Absent where the kernel does not count swap.
  const withSwap = join(folder, "memory.memsw.limit_in_bytes");
  if (existsSync(withSwap)) writeFileSync(withSwap, bytes);
}

/**
 * The hierarchy in which groups are frozen: that of version 2 also where it has no controller (a process that is frozen
 * there can be killed), else the freezer of version 1, else none.
 */
function openFreezing(
  { version1, version2 }: CgroupMounts,
  name: string,
): { version: 1 | 2; root: string } | undefined {
  for (const [version, root] of [
    [2, version2],
    [1, version1.get("freezer")],
  ] as const) {
    if (root === undefined) continue;
    try {
      mkdirSync(join(root, name), { recursive: true });
      return { version, root };
    } catch {
      // Mounted, but not ours to use.
    }
  }
  return undefined;
}
