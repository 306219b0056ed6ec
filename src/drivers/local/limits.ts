import type { CgroupLimits } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { StartSpec } from "../driver.ts";

/** Open files of one process of an instance (Function Compute's limit), where the host's own limit is not lower. */
export const OPEN_FILES_MAX = 100_000;

/** What an instance may use from its first moment on; its CPU is capped later. */
export function limitsOf({ memoryMb }: StartSpec, { processesMax }: DriverConfiguration): CgroupLimits {
  return { memoryMb, processesMax };
}
