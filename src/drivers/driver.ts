/**
 * How an instance comes to life, whatever the isolation: `process`, `sandbox`, `container`, later `kubernetes`. One
 * contract suite (testing/driver-contract.ts) holds for all. An instance never shows an address: whoever wants to
 * talk to it asks it to `connect`, so that a veth address, a relayed socket and a published port look the same.
 */
import type { Duplex } from "node:stream";
import type { ContainerImage, DnsSettings, ErrorType, FunctionKey, InstanceId } from "../model/model.ts";

export type DriverName = "process" | "sandbox" | "container";

export interface Driver {
  readonly name: DriverName;
  readonly capabilities: DriverCapabilities;
  /** Starts a trivial program for real, and says in one sentence why this host cannot. */
  probe(): Promise<ProbeResult>;
  /** Begins a start and returns at once; how it goes is told by the instance. */
  start(spec: StartSpec): DriverInstance;
  /**
   * Images will be started: what that takes is made ready now, and what dead Sluices left of it is removed. Where it is
   * not called, or not there, the first image waits for it. Idempotent.
   */
  expectImages?(): void;
  /** Destroys every instance and frees what the driver holds. Idempotent. */
  close(): Promise<void>;
}

/** What a driver can do, asked instead of its name. */
export interface DriverCapabilities {
  /** Instances have a network of their own, so that all can listen on the same caPort. */
  readonly ownNetwork: boolean;
  /** memoryMb is enforced and its breach reported as `outOfMemory`. */
  readonly memoryLimit: boolean;
  /** The number of its processes and threads is limited. */
  readonly processLimit: boolean;
  /** `cpu` is enforced, from `ready` on. */
  readonly cpuLimit: boolean;
  /** `freeze` works for all; what counts is DriverInstance.canFreeze. */
  readonly freeze: boolean;
  /** `usage` is known of instances that run. */
  readonly usage: boolean;
  /** It starts container images (`StartSpec.image`). */
  readonly images: boolean;
}

export type ProbeResult = { readonly works: true } | { readonly works: false; readonly reason: string };

/** What to start. Plain data: it crosses a process boundary. */
export interface StartSpec {
  readonly instanceId: InstanceId;
  /** Instances of one function share a uid, those of two never do. */
  readonly function: FunctionKey;
  readonly codeDir: string;
  readonly command: readonly string[];
  readonly hasCommand: boolean;
  /** The whole environment of the runtime contract but for PATH, HOME and ports, which are the driver's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly caPort: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly cpu?: number;
  readonly internetAccess: boolean;
  /** Absent, or where it names no server: those of the host, through the way out. Without internetAccess: none. */
  readonly dns?: DnsSettings;
  /** In place of a code package, where the driver has the capability `images`; then codeDir and command are empty. */
  readonly image?: ContainerImage;
  /** From spawn until a socket of the instance listens on caPort; then the start has failed. */
  readonly startLimitMs: number;
}

/** One instance, from the moment its start began. */
export interface DriverInstance {
  readonly id: InstanceId;
  /**
   * Resolves when a socket of this very instance listens on caPort on all interfaces. Rejects with a StartError when
   * it exits before, listens elsewhere until the start limit, or is destroyed. Never unhandled.
   */
  readonly listening: Promise<void>;
  /** Resolves, never rejects, once nothing of the instance runs any more. */
  readonly exited: Promise<ExitReport>;
  /** It takes calls from now on: its `cpu` is capped, which a start is not. Idempotent. */
  ready(): void;
  /** A new byte stream to caPort; may be called again. Rejects when the instance is gone. */
  connect(): Promise<Duplex>;
  /** Whether `freeze` works for it; known once it listens. */
  readonly canFreeze: boolean;
  /**
   * Takes its CPU away; memory and sockets stay. Resolves when nothing inside runs. Rejects while it starts, when it is
   * being ended or gone, when a thaw comes meanwhile, and when the driver cannot. Idempotent. Never unhandled.
   */
  freeze(): Promise<void>;
  /**
   * Gives the CPU back; ends a freeze under way. Resolves when everything inside may run again; rejects when it is
   * gone. Idempotent. Never unhandled.
   */
  thaw(): Promise<void>;
  /**
   * Whether the kernel has killed something in it for want of memory. Asked where its connection was lost: that is told
   * before its end.
   */
  ranOutOfMemory(): boolean;
  /** What it used at the last look (about every second); undefined where that is not known. */
  readonly usage: InstanceUsage | undefined;
  /** SIGTERM, then after `graceMs` SIGKILL of everything inside; thaws it first. Idempotent; a shorter grace wins. */
  stop(graceMs: number): void;
  /** SIGKILL of everything inside, now, also when it is frozen. Idempotent. */
  destroy(): void;
}

/** What everything inside an instance uses together. */
export interface InstanceUsage {
  /** Without files that the kernel keeps in memory only as long as there is room. */
  readonly memoryBytes: number;
  /** The highest so far, with such files. */
  readonly memoryPeakBytes: number;
  /** Since its start. */
  readonly cpuSeconds: number;
}

/** How an instance ended. */
export interface ExitReport {
  /** Exit status of the program; undefined where a signal ended it. */
  readonly code: number | undefined;
  /** Name of the signal that ended it. */
  readonly signal: string | undefined;
  readonly outOfMemory: boolean;
  /** Last lines of its standard error, at most 4 KB. */
  readonly stderrTail: string;
  /** The last that was seen, with the peak and CPU of its whole life; absent where the driver cannot tell. */
  readonly usage?: InstanceUsage;
}

/** Why an instance did not start. `message` is the cause alone: the table of faults says how the whole begins. */
export class StartError extends Error {
  readonly errorType: ErrorType;
  readonly stderrTail: string;
  constructor(errorType: ErrorType, message: string, stderrTail: string) {
    super(message);
    this.name = "StartError";
    this.errorType = errorType;
    this.stderrTail = stderrTail;
  }
}

/** Receives what instances print, in lines, batched. */
export type OutputSink = (lines: readonly OutputLine[]) => void;

export interface OutputLine {
  readonly instanceId: InstanceId;
  readonly function: FunctionKey;
  readonly source: "stdout" | "stderr";
  /** Unix epoch milliseconds at which it was read. */
  readonly at: number;
  /** Without line end; longer ones are cut at 32 KB (Function Compute's limit of a log entry). */
  readonly text: string;
}
