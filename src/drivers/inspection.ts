/** What this host can do for instances: every isolation is tried by a real start, also those that `auto` would not reach. */
import type { DriverName, ProbeResult } from "./driver.ts";
import type { HostFeature } from "./host-feature.ts";

export interface InspectedDriver {
  readonly name: DriverName;
  readonly works: boolean;
  /** Why it does not. */
  readonly reason?: string;
  readonly features: readonly HostFeature[];
}

/** What of a driver an inspection needs. */
export interface Inspectable {
  readonly features: readonly HostFeature[];
  probe(): Promise<ProbeResult>;
  close(): Promise<void>;
}

/** Tries it and closes it. Rejects never: what goes wrong is the reason. */
export async function inspectDriver(name: DriverName, open: () => Promise<Inspectable>): Promise<InspectedDriver> {
  try {
    const driver = await open();
    try {
      const result = await driver.probe();
      if (!result.works) return { name, works: false, reason: result.reason, features: [] };
      return { name, works: true, features: driver.features };
    } finally {
      await driver.close();
    }
  } catch (error) {
    return { name, works: false, reason: error instanceof Error ? error.message : String(error), features: [] };
  }
}
