/**
 * Resource limits of instances through control groups: version 2 where it has the memory controller, else version 1,
 * else none. A driver makes one tree for itself, with one group in it for each instance.
 */
import type { Logger } from "../../base/base.ts";
import type { InstanceUsage } from "../driver.ts";
import type { FreezerGroup } from "./freezer.ts";
import { readMounts } from "./mounts.ts";
import { noCgroups } from "./none.ts";
import { sweepTrees } from "./tree-name.ts";
import { openVersion1 } from "./version-1.ts";
import { openVersion2 } from "./version-2.ts";

export { isCgroupEmpty, killCgroup, outOfMemoryKillsIn, removeCgroup } from "./folder.ts";
export { type FreezeControl, Freezer, type FreezerGroup, type Freezing, groupControl, thawGroup } from "./freezer.ts";
export { noCgroups } from "./none.ts";
export { treeName } from "./tree-name.ts";

/** Limits of one instance. */
export interface CgroupLimits {
  /** Memory with swap; what exceeds it is killed. */
  readonly memoryMb: number;
  /** Processes and threads. */
  readonly processesMax: number;
}

/** Limits of all instances of a tree together. */
export interface CgroupBudget {
  /** Memory with swap; where it is used up, the kernel kills instances until there is room. */
  readonly memoryMb: number;
}

/** One instance's group; made without limits, since to join one takes long and is done ahead of a start. */
export interface Cgroup {
  /** Files into which a process writes `0` to join. */
  readonly joinFiles: readonly string[];
  /** Folders of the group, one in each hierarchy. */
  readonly folders: readonly string[];
  /** Where it is frozen; undefined where that is not possible. */
  readonly freezer: FreezerGroup | undefined;
  /** Sets its limits; once. Throws what the file system throws. */
  limit(limits: CgroupLimits): void;
  /** Caps its CPU time, in CPUs; before that it is not capped. Throws what the file system throws. */
  capCpu(cpus: number): void;
  /** How often the kernel has killed a process in it for want of memory. */
  outOfMemoryKills(): number;
  /** What it has used; the very `before` where no CPU was used since; undefined where that is not known. */
  usage(before: InstanceUsage | undefined): InstanceUsage | undefined;
}

/** The groups of one driver. */
export interface CgroupTree {
  readonly version: 1 | 2 | undefined;
  /** Its path below the mount point of each hierarchy in which it has groups; begins with `/`. */
  readonly path: string;
  /** `processesMax` holds. */
  readonly limitsProcesses: boolean;
  /** `capCpu` works. */
  readonly capsCpu: boolean;
  /** Its groups can be frozen. */
  readonly canFreeze: boolean;
  /** Its groups tell their usage. */
  readonly canMeasure: boolean;
  /** Makes a group. `name` is a file name. Throws what the file system throws. */
  create(name: string): Cgroup;
  /** Removes the tree, if nothing runs in it. */
  close(): void;
}

/**
 * CPU of a tree against that of what stands beside it, the gateway among them, when both want more than there is:
 * half of the usual. In version 2 `cpu.weight`, usually 100; in version 1 `cpu.shares`, usually 1,024.
 */
export const CPU_WEIGHT = 50;
export const CPU_SHARES = 512;

/** Opens a tree of the given name and, where `sweeps`, removes the trees of Sluices that no longer run. */
export function openCgroups(name: string, budget: CgroupBudget, logger: Logger, sweeps = true): CgroupTree {
  const reasons: string[] = [];
  for (const open of [openVersion2, openVersion1]) {
    try {
      const { tree, roots } = open(readMounts(), name, budget);
      if (sweeps) sweepTrees(roots);
      return tree;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  logger.warn("memory, process and CPU limits of functions are not enforced: no control groups", {
    version2: reasons[0],
    version1: reasons[1],
  });
  return noCgroups;
}
