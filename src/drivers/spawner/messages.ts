/** What main and the spawner tell each other. Plain data, in order, over Node's IPC channel ("advanced" encoding). */
import type { LogFields } from "../../base/base.ts";
import type { ErrorType, InstanceId } from "../../model/model.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { DriverCapabilities, DriverName, ExitReport, OutputLine, ProbeResult, StartSpec } from "../driver.ts";
import type { HostFeature } from "../host-feature.ts";
import type { Footprint } from "../local/footprint.ts";
import type { Endpoint } from "../local/launcher.ts";
import type { UsageOfInstance } from "../local/local-driver.ts";

/** The driver that a spawner holds, for life. */
export interface SpawnerSetup {
  readonly driver: DriverName;
  readonly configuration: DriverConfiguration;
  readonly nodePath: string;
  /** Folder for the disks of instances. */
  readonly scratchFolder: string;
  /** Name of the tree of control groups; its middle part is the pid whose end makes it garbage. */
  readonly cgroupTreeName: string;
  /** Remove what dead Sluices left; false for a look at the host, which changes nothing. */
  readonly sweeps: boolean;
  /** For tests and diagnosis: the process driver without namespaces. */
  readonly useNamespaces: boolean;
  /** The spawner runs as root of a user and a network namespace of its own (sandbox/user-namespace.ts). */
  readonly inUserNamespace: boolean;
  /** For tests and diagnosis, false: the container driver with control groups that the engine makes. */
  readonly useOwnCgroups?: boolean;
}

export type ToSpawner =
  /** Always the first. */
  | { readonly type: "setup"; readonly setup: SpawnerSetup }
  | { readonly type: "probe" }
  | { readonly type: "start"; readonly spec: StartSpec }
  | { readonly type: "expectImages" }
  /** Connect in my place; `request` is a number of mine for the answer. */
  | { readonly type: "connect"; readonly id: InstanceId; readonly request: number }
  /** It takes calls from now on. */
  | { readonly type: "capCpu"; readonly id: InstanceId }
  | { readonly type: "stop"; readonly id: InstanceId; readonly graceMs: number }
  | { readonly type: "destroy"; readonly id: InstanceId }
  /** Only for instances that main cannot freeze by itself; answered by `ordered` with the same number. */
  | { readonly type: "freeze" | "thaw"; readonly id: InstanceId; readonly order: number }
  /** With the socket, as the handle of this message, to a process outside that has just come (outside/). */
  | { readonly type: "outside" }
  /** End every instance, then yourself. */
  | { readonly type: "close" };

export type FromSpawner =
  | {
      readonly type: "ready";
      readonly capabilities: DriverCapabilities;
      readonly features: readonly HostFeature[];
      /** See Launcher. */
      readonly unmet: string | undefined;
    }
  | { readonly type: "probed"; readonly result: ProbeResult }
  /** What to end should the spawner die; a later one replaces an earlier one. */
  | { readonly type: "footprint"; readonly id: InstanceId; readonly footprint: Footprint }
  /** `canFreeze`: also where the footprint names no group for it. */
  | { readonly type: "listening"; readonly id: InstanceId; readonly endpoint: Endpoint; readonly canFreeze: boolean }
  | { readonly type: "ordered"; readonly id: InstanceId; readonly order: number; readonly error: string | undefined }
  | {
      readonly type: "notStarted";
      readonly id: InstanceId;
      readonly errorType: ErrorType;
      readonly message: string;
      readonly stderrTail: string;
    }
  /** With the socket, as the handle of this message. */
  | { readonly type: "connected"; readonly id: InstanceId; readonly request: number }
  | { readonly type: "notConnected"; readonly id: InstanceId; readonly request: number; readonly message: string }
  | { readonly type: "exited"; readonly id: InstanceId; readonly report: ExitReport }
  /** About every second, of those instances whose usage has changed. */
  | { readonly type: "usage"; readonly usages: readonly UsageOfInstance[] }
  | { readonly type: "output"; readonly lines: readonly OutputLine[] }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: LogFields | undefined;
    };
