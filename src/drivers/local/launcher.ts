/** What differs between the drivers of this machine; all else is in LocalDriver and LocalInstance. */
import type { ChildProcess } from "node:child_process";
import type { Cgroup } from "../cgroup/cgroup.ts";
import type { DriverName, StartSpec } from "../driver.ts";
import type { Footprint } from "./footprint.ts";
import type { Verdict } from "./listening-watch.ts";
import type { ProgramView } from "./start-check.ts";

/** Where the gateway reaches an instance. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /**
   * The host's end of the instance's own link, where it has one: connections begin there or nowhere. When the link is
   * gone, the instance's address leads through the default route to whoever else has it.
   */
  readonly localAddress?: string;
}

export interface LaunchPlan {
  readonly spec: StartSpec;
  /** User and group id of the function; undefined: those of Sluice. */
  readonly uid: number | undefined;
}

export interface Launcher {
  readonly name: DriverName;
  /** Instances have a network of their own. */
  readonly ownNetwork: boolean;
  /** memoryMb is enforced. */
  readonly limitsMemory: boolean;
  /** Instances can be frozen. */
  readonly freezes: boolean;
  /** Their usage is known. */
  readonly measures: boolean;
  /** Why this host cannot, in one sentence; undefined when nothing is missing. */
  readonly obstacle: string | undefined;
  view(spec: StartSpec): ProgramView;
  /** Rejects, with nothing left behind, with an Error or StartError that says why there is no room for another one. */
  launch(plan: LaunchPlan): Promise<Launched>;
  /** Frees what it holds beside instances; these have ended before. */
  close(): Promise<void>;
}

/** A program that is being started, or runs. */
export interface Launched {
  /** The process that Sluice started; its end is the end of the program. */
  readonly child: ChildProcess;
  readonly endpoint: Endpoint;
  readonly cgroup: Cgroup;
  /** What main must know to end it without us. */
  footprint(): Footprint;
  /** Whether, and where, its sockets listen. */
  look(): Verdict | Promise<Verdict>;
  /** No look comes any more. */
  endLook(): void;
  /** The program itself, for SIGTERM; undefined before it is there. */
  programPid(): number | undefined;
  /** SIGKILL for everything inside; asked again until the end. */
  kill(): void;
  /** Gives back what belongs to it, once nothing runs any more. */
  release(): void;
  /** A remark for an exit before it listened, where this kind of isolation may be the reason; undefined: none. */
  explainExit(stderrTail: string): string | undefined;
}
