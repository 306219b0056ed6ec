import { totalmem } from "node:os";
import { blockList } from "./network/host-addresses.ts";

/** What a user may set of the drivers, by name. Plain data: it is sent to the spawner. */
export interface DriverConfiguration {
  /** First of the user ids that functions run as, one for each function; never 0. */
  readonly uidFirst: number;
  readonly uidCount: number;
  /** Memory of all instances together. */
  readonly instanceMemoryMaxMb: number;
  /** Processes and threads of one instance. */
  readonly processesMax: number;
  /** Ports that the process driver gives to instances: below the range from which Linux takes those of clients. */
  readonly portFirst: number;
  readonly portCount: number;
  /** Ready network namespaces that the sandbox driver keeps. */
  readonly networkPoolSize: number;
  /** IPv4 ranges, written as ADDRESS/BITS, from which each sandbox gets two addresses; the first free ones are used. */
  readonly networkRanges: readonly string[];
  /** Folder of the root file system whose /usr and /etc sandboxes see; `/`: this host's. */
  readonly sandboxRoot: string;
  /**
   * How functions with internetAccess reach the network: `user` through a process of their own, without privileges;
   * `nat` through the host's, which changes it; `none`; `auto`: `user` where its tool can run, else none.
   */
  readonly egress: "auto" | "user" | "nat" | "none";
  /** Networks, as ADDRESS/BITS, that functions may not reach beside those that are always denied. */
  readonly egressDenied: readonly string[];
  /** How long a program may listen only elsewhere than on caPort before its start has failed. */
  readonly wrongListenGraceMs: number;
  /** Output of one instance that is kept, on average; what exceeds it is counted and dropped. */
  readonly outputBytesPerSecond: number;
  /** Image in which code packages run with isolation "container". */
  readonly containerBaseImage: string;
  /** Runtime of containers by the name that the engine knows it by (runc, runsc, kata); empty: the engine's default. */
  readonly containerRuntime: string;
  /** Containers write to /tmp alone. */
  readonly containerReadOnlyRoot: boolean;
}

export const EGRESS_KINDS: readonly DriverConfiguration["egress"][] = ["auto", "user", "nat", "none"];

export const defaultDriverConfiguration: DriverConfiguration = {
  uidFirst: 200_000,
  uidCount: 10_000,
  instanceMemoryMaxMb: Math.floor((totalmem() / 1024 ** 2) * 0.75),
  processesMax: 1024,
  portFirst: 20_000,
  portCount: 12_000,
  networkPoolSize: 4,
  networkRanges: ["10.201.0.0/16", "172.29.0.0/16"],
  sandboxRoot: "/",
  egress: "auto",
  // RFC 1918, RFC 6598 and RFC 4193: what a network calls its own.
  egressDenied: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"],
  wrongListenGraceMs: 2_000,
  outputBytesPerSecond: 512 * 1024,
  containerBaseImage: "node:24-bookworm-slim",
  containerRuntime: "",
  containerReadOnlyRoot: false,
};

/** Fills in the defaults. Throws an Error that names the key, its constraint and its value. */
export function resolveDriverConfiguration(given: Partial<DriverConfiguration> = {}): DriverConfiguration {
  const resolved = { ...defaultDriverConfiguration, ...given };
  requireInteger(resolved, "uidFirst", 1, 2 ** 31);
  requireInteger(resolved, "uidCount", 1, 1_000_000);
  requireInteger(resolved, "instanceMemoryMaxMb", 1, 2 ** 31);
  requireInteger(resolved, "processesMax", 1, 1_000_000);
  requireInteger(resolved, "portFirst", 1024, 65_535);
  requireInteger(resolved, "portCount", 1, 65_536 - resolved.portFirst);
  requireInteger(resolved, "networkPoolSize", 1, 64);
  if (!EGRESS_KINDS.includes(resolved.egress)) {
    throw new Error(`egress must be one of ${EGRESS_KINDS.join(", ")}, but is ${resolved.egress}`);
  }
  try {
    blockList(resolved.egressDenied);
  } catch (error) {
    throw new Error(`egressDenied: ${(error as Error).message}`);
  }
  requireInteger(resolved, "wrongListenGraceMs", 0, 120_000);
  requireInteger(resolved, "outputBytesPerSecond", 1024, 1024 ** 3);
  return resolved;
}

type NumberKey = {
  [Key in keyof DriverConfiguration]: DriverConfiguration[Key] extends number ? Key : never;
}[keyof DriverConfiguration];

function requireInteger(configuration: DriverConfiguration, key: NumberKey, least: number, most: number): void {
  const value = configuration[key];
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new Error(`${key} must be a whole number from ${least} to ${most}, but is ${value}`);
}
