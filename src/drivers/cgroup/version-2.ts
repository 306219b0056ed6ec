/** Control groups version 2: one hierarchy (kernel: admin-guide/cgroup-v2.rst). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cgroup, CgroupLimits, CgroupTree } from "./cgroup.ts";
import { removeCgroup } from "./folder.ts";
import type { CgroupMounts } from "./mounts.ts";
import { readUsage, version2Files } from "./usage.ts";

const PERIOD_US = 100_000;
const BYTES_PER_MB = 1024 * 1024;
const WANTED = ["memory", "pids", "cpu"];

/** Makes the tree. Throws where the memory controller is missing or not ours to use. */
export function openVersion2(mounts: CgroupMounts, name: string): { tree: CgroupTree; roots: string[] } {
  const root = mounts.version2;
  if (root === undefined) throw new Error("version 2 is not mounted");
  const available = readFileSync(join(root, "cgroup.controllers"), "utf8").trim().split(" ");
  if (!available.includes("memory")) throw new Error("version 2 has no memory controller here");
  const controllers = WANTED.filter((controller) => available.includes(controller));
  const top = join(root, name);
  // A group has the controllers that the one above it hands down.
  handDown(root, controllers);
  mkdirSync(top, { recursive: true });
  try {
    handDown(top, controllers);
  } catch (error) {
    removeCgroup(top);
    throw error;
  }

  const create = (group: string): Cgroup => {
    const folder = join(top, group);
    mkdirSync(folder, { recursive: true });
    const set = (file: string, value: string | number) => writeFileSync(join(folder, file), String(value));
    const events = join(folder, "memory.events");
    const usageFiles = version2Files(folder);
    return {
      folders: [folder],
      joinFiles: [join(folder, "cgroup.procs")],
      freezer: { version: 2, folder },
      limit({ memoryMb, processesMax, cpu }: CgroupLimits) {
        set("memory.max", memoryMb * BYTES_PER_MB);
        // Absent where the kernel has no swap.
        if (existsSync(join(folder, "memory.swap.max"))) set("memory.swap.max", 0);
        set("memory.oom.group", 1);
        if (controllers.includes("pids")) set("pids.max", processesMax);
        if (cpu === undefined || !controllers.includes("cpu")) return;
        set("cpu.max", `${Math.round(cpu * PERIOD_US)} ${PERIOD_US}`);
      },
      outOfMemoryKills: () => Number(/^oom_kill (\d+)/m.exec(readFileSync(events, "utf8"))?.[1] ?? 0),
      usage: (before) => readUsage(usageFiles, before),
    };
  };
  return {
    tree: { version: 2, canFreeze: true, canMeasure: true, create, close: () => removeCgroup(top) },
    roots: [root],
  };
}

function handDown(folder: string, controllers: readonly string[]): void {
  writeFileSync(join(folder, "cgroup.subtree_control"), controllers.map((controller) => `+${controller}`).join(" "));
}
