import type { DriverConfiguration } from "../drivers/drivers.ts";
import type { Configuration } from "./configuration.ts";

/** What of the configuration is the drivers'. */
export function driverConfiguration(configuration: Configuration): Partial<DriverConfiguration> {
  return {
    uidFirst: configuration.uidFirst,
    uidCount: configuration.uidCount,
    instanceMemoryMaxMb: configuration.instanceMemoryMaxMb,
    networkPoolSize: configuration.networkPoolSize,
    egress: configuration.egress,
    egressDenied: configuration.egressDenied,
    sandboxRoot: configuration.sandboxRoot,
    networkRanges: configuration.networkRanges,
    containerBaseImage: configuration.containerBaseImage,
    containerRuntime: configuration.containerRuntime,
    containerReadOnlyRoot: configuration.containerReadOnlyRoot,
  };
}
