import type { CgroupTree } from "../cgroup/cgroup.ts";
import { cgroupFeatures } from "../cgroup/cgroup-features.ts";
import type { HostFeature } from "../host-feature.ts";
import type { SandboxIdentity } from "./identity.ts";
import type { ScratchDisks } from "./scratch-disks.ts";

/** The disks for /tmp, or why there are none. */
export interface DisksOrReason {
  readonly works: ScratchDisks | undefined;
  readonly reason: string;
}

const AS_ROOT = "start Sluice as root";

/** What a sandbox does here. */
export function sandboxFeatures(
  cgroups: CgroupTree,
  disks: DisksOrReason,
  { isSpawnerApart: isOrdinaryUser, boundsProcesses }: SandboxIdentity,
  egress: HostFeature,
): readonly HostFeature[] {
  return [
    { name: "own files, processes and network", works: true, detail: "bubblewrap and namespaces" },
    uidFeature(isOrdinaryUser),
    { name: "filter of system calls", works: true, detail: "seccomp" },
    tmpFeature(disks, isOrdinaryUser),
    egress,
    ...(boundsProcesses
      ? [{ name: "limit of processes", works: true, detail: "processesMax, by user namespaces" }]
      : []),
    ...cgroupFeatures(cgroups, !isOrdinaryUser),
  ];
}

function uidFeature(isOrdinaryUser: boolean): HostFeature {
  const name = "a user id for each function";
  if (!isOrdinaryUser) return { name, works: true, detail: "from uidFirst on" };
  const detail = "on this host all run as the user who runs Sluice, each in user namespaces of its own";
  return { name, works: false, detail, remedy: AS_ROOT };
}

function tmpFeature({ works, reason }: DisksOrReason, isOrdinaryUser: boolean): HostFeature {
  const name = "/tmp on disk, of diskSize";
  if (works !== undefined) return { name, works: true, detail: "ext4 in files, through loop devices" };
  const remedy = isOrdinaryUser ? AS_ROOT : "modprobe loop";
  return { name, works: false, detail: `in memory, half of memorySize at most: ${reason}`, remedy };
}
