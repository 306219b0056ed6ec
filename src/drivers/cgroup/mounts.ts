import { readFileSync } from "node:fs";

/** Where control groups are mounted. */
export interface CgroupMounts {
  readonly version2: string | undefined;
  /** Mount point by controller name. */
  readonly version1: ReadonlyMap<string, string>;
}

/** Reads /proc/self/mounts. Throws where there is none (not Linux). */
export function readMounts(): CgroupMounts {
  return parseMounts(readFileSync("/proc/self/mounts", "utf8"));
}

/** A line is `device folder type options ...`; version 1 names its controllers among the options (cgroups(7)). */
export function parseMounts(text: string): CgroupMounts {
  let version2: string | undefined;
  const version1 = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, folder, type, options = ""] = line.split(" ");
    if (folder === undefined) continue;
    if (type === "cgroup2") version2 ??= folder;
    if (type === "cgroup") for (const option of options.split(",")) version1.set(option, folder);
  }
  return { version2, version1 };
}
