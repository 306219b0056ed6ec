import type { HostFeature } from "../host-feature.ts";
import type { CgroupTree } from "./cgroup.ts";

/** What control groups do here, in words. `isRoot`: of this host, not of a user namespace alone. */
export function cgroupFeatures(
  { version, canFreeze }: CgroupTree,
  isRoot = process.getuid?.() === 0,
): readonly HostFeature[] {
  const remedy = isRoot
    ? "mount control groups: mount -t cgroup2 none /sys/fs/cgroup"
    : "start Sluice as root, or under systemd with Delegate=yes";
  const limits = "limits of memory, processes and CPU";
  const freezing = "freezing of idle instances";
  if (version === undefined) {
    const detail = "no control groups that this user may use";
    return [limits, freezing].map((name) => ({ name, works: false, detail, remedy }));
  }
  return [
    { name: limits, works: true, detail: `control groups, version ${version}` },
    canFreeze
      ? { name: freezing, works: true, detail: "control groups" }
      : { name: freezing, works: false, detail: "neither version 2 nor the freezer of version 1 is mounted", remedy },
  ];
}
