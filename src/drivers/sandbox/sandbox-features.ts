import type { CgroupTree } from "../cgroup/cgroup.ts";
import { cgroupFeatures } from "../cgroup/cgroup-features.ts";
import type { HostFeature } from "../host-feature.ts";
import type { ScratchDisks } from "./scratch-disks.ts";

/** The disks for /tmp, or why there are none. */
export interface DisksOrReason {
  readonly works: ScratchDisks | undefined;
  readonly reason: string;
}

/** What a sandbox does here. */
export function sandboxFeatures(cgroups: CgroupTree, disks: DisksOrReason): readonly HostFeature[] {
  return [
    { name: "own files, processes and network", works: true, detail: "bubblewrap and namespaces" },
    { name: "a user id for each function", works: true, detail: "from uidFirst on" },
    { name: "filter of system calls", works: true, detail: "seccomp" },
    tmpFeature(disks),
    ...cgroupFeatures(cgroups),
  ];
}

function tmpFeature({ works, reason }: DisksOrReason): HostFeature {
  const name = "/tmp on disk, of diskSize";
  if (works !== undefined) return { name, works: true, detail: "ext4 in files, through loop devices" };
  return { name, works: false, detail: `in memory, half of memorySize at most: ${reason}`, remedy: "modprobe loop" };
}
