import type { CgroupLimits } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { StartSpec } from "../driver.ts";

/** What an instance may use. */
export function limitsOf({ memoryMb, cpu }: StartSpec, { processesMax }: DriverConfiguration): CgroupLimits {
  return cpu === undefined ? { memoryMb, processesMax } : { memoryMb, processesMax, cpu };
}
