/**
 * Control groups of containers. An engine that takes paths makes a container's groups below ours: then limits, usage,
 * freezing and the kernel's kills are those of all drivers, and nothing outside of our own tree is written to.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../../base/base.ts";
import { type Cgroup, type CgroupBudget, type CgroupTree, openCgroups, removeCgroup } from "../cgroup/cgroup.ts";
import { readMounts } from "../cgroup/mounts.ts";
import { sweepTrees } from "../cgroup/tree-name.ts";

export interface ContainerCgroups {
  readonly tree: CgroupTree;
  /** Makes a group in which the engine will make another one. Throws what the file system throws. */
  create(name: string): { readonly cgroup: Cgroup; readonly path: string };
  close(): void;
}

/** Undefined where there are no control groups for us. */
export function openContainerCgroups(
  treeName: string,
  budget: CgroupBudget,
  logger: Logger,
  sweeps: boolean,
): ContainerCgroups | undefined {
  const tree = openCgroups(treeName, budget, logger, sweeps);
  if (tree.version === undefined) return undefined;
  const { version1, version2 } = readMounts();
  // The engine makes groups in all hierarchies, also in those that we have no use for, and leaves the ones above its own.
  const roots = [...new Set([...version1.values(), ...(version2 === undefined ? [] : [version2])])];
  if (sweeps) sweepTrees(roots);
  const memoryRoot = tree.version === 1 ? version1.get("memory") : undefined;
  return {
    tree,
    create(name) {
      const own = tree.create(name);
      const inner = (root: string) => foldersIn(join(root, tree.path, name));
      const cgroup: Cgroup = {
        joinFiles: [],
        get folders() {
          return roots.flatMap((root) => [...inner(root), join(root, tree.path, name)]);
        },
        freezer: own.freezer,
        limit: (limits) => own.limit(limits),
        capCpu: (cpus) => own.capCpu(cpus),
        // Version 1 counts in the very group of what was killed, version 2 in those above it as well.
        outOfMemoryKills: () =>
          own.outOfMemoryKills() + (memoryRoot === undefined ? 0 : inner(memoryRoot).reduce(addKills, 0)),
        usage: (before) => own.usage(before),
      };
      return { cgroup, path: `${tree.path}/${name}` };
    },
    close() {
      tree.close();
      for (const root of roots) removeCgroup(join(root, tree.path));
    },
  };
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

function addKills(sum: number, folder: string): number {
  try {
    const control = readFileSync(join(folder, "memory.oom_control"), "utf8");
    return sum + Number(/^oom_kill (\d+)/m.exec(control)?.[1] ?? 0);
  } catch {
    // The engine has just removed it.
    return sum;
  }
}
