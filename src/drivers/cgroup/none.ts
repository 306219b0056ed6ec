import type { Cgroup, CgroupTree } from "./cgroup.ts";

const group: Cgroup = { joinFiles: [], folders: [], limit() {}, outOfMemoryKills: () => 0 };

/** Where the system has no control groups, or they are not ours to use: nothing is limited. */
export const noCgroups: CgroupTree = { version: undefined, create: () => group, close() {} };
