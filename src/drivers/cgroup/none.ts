import type { Cgroup, CgroupTree } from "./cgroup.ts";

const group: Cgroup = {
  joinFiles: [],
  folders: [],
  freezer: undefined,
  limit() {},
  capCpu() {},
  outOfMemoryKills: () => 0,
  usage: () => undefined,
};

/** Where the system has no control groups, or they are not ours to use: nothing is limited. */
export const noCgroups: CgroupTree = {
  version: undefined,
  path: "/",
  limitsProcesses: false,
  capsCpu: false,
  canFreeze: false,
  canMeasure: false,
  create: () => group,
  close() {},
};
