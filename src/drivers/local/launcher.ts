/** What differs between the drivers of this machine; all else is in LocalDriver and LocalInstance. */
import type { Cgroup, Freezing } from "../cgroup/cgroup.ts";
import type { DriverName, StartSpec } from "../driver.ts";
import type { HostFeature } from "../host-feature.ts";
import type { Footprint } from "./footprint.ts";
import type { Ending, LaunchedProgram } from "./launched-program.ts";
import type { Verdict } from "./listening-watch.ts";
import type { ProgramView, StartFault } from "./start-check.ts";

/** Where the gateway reaches an instance. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /**
   * The host's end of the instance's own link, where it has one: connections begin there or nowhere. When the link is
   * gone, the instance's address leads through the default route to whoever else has it.
   */
  readonly localAddress?: string;
  /** The spawner is in a network of its own: it alone can connect, and hands the socket over. */
  readonly isSpawnersOnly?: boolean;
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
  /** The number of processes is limited. */
  readonly limitsProcesses: boolean;
  /** `cpu` is enforced. */
  readonly capsCpu: boolean;
  /** Instances can be frozen. */
  readonly freezes: boolean;
  /** Their usage is known. */
  readonly measures: boolean;
  /** It starts container images. */
  readonly runsImages: boolean;
  /** Functions run as a user id each. */
  readonly givesUids: boolean;
  /** Why this host cannot, in one sentence; undefined when nothing is missing. */
  readonly obstacle: string | undefined;
  /** What it does for instances on this host, and what not. */
  readonly features: readonly HostFeature[];
  /** What the configuration asks for in so many words and this host does not give, with what to do: then nothing starts. */
  readonly unmet?: string | undefined;
  /** The file system as the program will see it; undefined where the program comes from an image. */
  view(spec: StartSpec): ProgramView | undefined;
  /** Rejects, with nothing left behind, with an Error or StartError that says why there is no room for another one. */
  launch(plan: LaunchPlan): Promise<Launched>;
  /** Images will be launched: what the first one would wait for is done now. */
  expectImages?(): void;
  /** Frees what it holds beside instances; these have ended before. */
  close(): Promise<void>;
}

/** A program that is being started, or runs. */
export interface Launched {
  readonly program: LaunchedProgram;
  readonly endpoint: Endpoint;
  readonly cgroup: Cgroup;
  /** What freezes it where its control group does not; undefined: nothing. */
  readonly freezing?: Freezing;
  /** What main must know to end it without us. */
  footprint(): Footprint;
  /** Whether, and where, its sockets listen. */
  look(): Verdict | Promise<Verdict>;
  /** No look comes any more. */
  endLook(): void;
  /** The program itself; undefined before it is there, and where its pid is not one of this system. */
  programPid(): number | undefined;
  /** Asks the program to end (SIGTERM); false where nobody is there yet to hear it. */
  terminate(): boolean;
  /** SIGKILL for everything inside; asked again until the end. */
  kill(): void;
  /** Gives back what belongs to it, once nothing runs any more. Never rejects. */
  release(): void | Promise<void>;
  /** Whether want of memory ended it, where its control group alone cannot tell. */
  ranOutOfMemory?(ending: Ending): boolean;
  /** For an exit before it listened: what this kind of isolation knows better, or a remark on it; undefined: nothing. */
  explainExit(stderrTail: string, code: number | undefined): StartFault | { readonly remark: string } | undefined;
}
