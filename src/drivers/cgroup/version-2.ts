/** Control groups version 2: one hierarchy (kernel: admin-guide/cgroup-v2.rst). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Cgroup, type CgroupBudget, type CgroupLimits, type CgroupTree, CPU_WEIGHT } from "./cgroup.ts";
import { outOfMemoryKillsOf, removeCgroup } from "./folder.ts";
import type { CgroupMounts } from "./mounts.ts";
import { chooseBase, writeControllers } from "./own-group.ts";
import { readUsage, version2Files } from "./usage.ts";

const PERIOD_US = 100_000;
const BYTES_PER_MB = 1024 * 1024;
const WANTED = ["memory", "pids", "cpu"];

/** Makes the tree. Throws where the memory controller is missing or not ours to use. */
export function openVersion2(
  mounts: CgroupMounts,
  name: string,
  budget: CgroupBudget,
): { tree: CgroupTree; roots: string[] } {
  const root = mounts.version2;
  if (root === undefined) throw new Error("version 2 is not mounted");
  const base = chooseBase(root);
  const available = readFileSync(join(base.folder, "cgroup.controllers"), "utf8").trim().split(" ");
  if (!available.includes("memory")) throw new Error("version 2 has no memory controller here");
  const controllers = WANTED.filter((controller) => available.includes(controller));
  const top = join(base.folder, name);
  // A group has the controllers that the one above it hands down.
  base.handDown(controllers);
  mkdirSync(top, { recursive: true });
  try {
    writeControllers(top, controllers);
    limitMemory(top, budget.memoryMb);
    if (controllers.includes("cpu")) set(top, "cpu.weight", CPU_WEIGHT);
  } catch (error) {
    removeCgroup(top);
    throw error;
  }

  const create = (group: string): Cgroup => {
    const folder = join(top, group);
    mkdirSync(folder, { recursive: true });
    const events = join(folder, "memory.events");
    const usageFiles = version2Files(folder);
    return {
      folders: [folder],
      joinFiles: [join(folder, "cgroup.procs")],
      freezer: { version: 2, folder },
      limit({ memoryMb, processesMax }: CgroupLimits) {
        limitMemory(folder, memoryMb);
        // What is left of an instance would hang: the kernel kills all of it.
        set(folder, "memory.oom.group", 1);
        if (controllers.includes("pids")) set(folder, "pids.max", processesMax);
      },
      capCpu(cpus) {
        if (controllers.includes("cpu")) set(folder, "cpu.max", `${Math.round(cpus * PERIOD_US)} ${PERIOD_US}`);
      },
      outOfMemoryKills: () => outOfMemoryKillsOf(readFileSync(events, "utf8")),
      usage: (before) => readUsage(usageFiles, before),
    };
  };
  return {
    tree: {
      version: 2,
      path: `/${relative(root, top)}`,
      limitsProcesses: controllers.includes("pids"),
      capsCpu: controllers.includes("cpu"),
      canFreeze: true,
      canMeasure: true,
      create,
      close: () => removeCgroup(top),
    },
    roots: [base.folder],
  };
}

function limitMemory(folder: string, memoryMb: number): void {
  set(folder, "memory.max", memoryMb * BYTES_PER_MB);
  // Absent where the kernel has no swap.
  if (existsSync(join(folder, "memory.swap.max"))) set(folder, "memory.swap.max", 0);
}

function set(folder: string, file: string, value: string | number): void {
  writeFileSync(join(folder, file), String(value));
}
