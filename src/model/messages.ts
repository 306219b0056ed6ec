/** Messages between the main loop (gateway, scheduler) and the worker (control API, store, logs, bill). Plain data. */
import type { Delta, Snapshot } from "./data-plane.ts";
import type { ErrorType, Fault } from "./faults.ts";
import type { FunctionKey, InstanceId, RevisionId } from "./ids.ts";
import type { InvocationAnswer, InvocationId, InvocationRequest } from "./invocation.ts";
import type { MainCounts } from "./main-counts.ts";
import type { ProvisionStatus } from "./provision.ts";
import type { LogRecord } from "./sluice-api.ts";
import type { UsageRecord } from "./usage.ts";

/** A call that ended, for the log. */
export interface CallEnded {
  readonly function: FunctionKey;
  readonly requestId: string;
  /** Path of the call, `/package.Service/Method`. */
  readonly method: string;
  /** Unix epoch milliseconds. */
  readonly at: number;
  readonly durationMs: number;
  readonly grpcStatus: number;
  /** Where it ran; undefined where it reached no instance. */
  readonly instanceId: InstanceId | undefined;
  /** Why the platform ended it; undefined where the function did. */
  readonly cause: Fault | undefined;
}

/** Calls of one function that it ended itself, as lines of its call log (see call-line.ts): bytes, not objects. */
export interface EndedCalls {
  readonly function: FunctionKey;
  readonly lines: Uint8Array;
  readonly count: number;
}

/** `frozen`: it has no calls and gets no CPU; `unhealthy`: its health check fails, it gets no new calls. */
export type InstancePhase = "starting" | "ready" | "frozen" | "unhealthy" | "stopping";

/** One instance, as `info` and `instances` show it. */
export interface InstanceStatus {
  readonly instanceId: InstanceId;
  readonly revisionId: RevisionId;
  /** The published version that it runs; absent: the service as it stood. */
  readonly versionId?: string;
  readonly phase: InstancePhase;
  readonly openCalls: number;
  /** Unix epoch milliseconds. */
  readonly startedAt: number;
  /** Calls that it takes at once. */
  readonly slots?: number;
  /** Provisioned: kept ready whether there are calls or not. */
  readonly provisioned?: boolean;
  /** What it used at the last look (about every second); absent where the driver cannot tell. */
  readonly memoryUsedMb?: number;
}

/** How a function stands in the data plane; sent whenever it changes. */
export interface FunctionStatus {
  readonly function: FunctionKey;
  /** The revision that new calls go to; absent before any was there. */
  readonly serving?: RevisionId;
  /** A newer revision that is being started, or failed to. */
  readonly next?: {
    readonly revisionId: RevisionId;
    readonly state: "starting" | "failed";
    readonly reason?: string;
  };
  /** The last start of the serving revision failed: why. Cleared by one that works. */
  readonly lastStartFailure?: { readonly errorType: ErrorType; readonly message: string; readonly stderrTail: string };
  readonly instances: readonly InstanceStatus[];
  /** Instances that ended by themselves since Sluice started: crashes, kills, memory. */
  readonly restarts?: number;
  /** Absent without a provision config. */
  readonly provision?: ProvisionStatus;
}

/** Worker to main. */
export type ToMain =
  | Snapshot
  | Delta
  /** So many more of the usage records that came are stored, in the order in which they came. */
  | { readonly type: "usageStored"; readonly count: number }
  /** Answered with `invoked`, once. */
  | { readonly type: "invoke"; readonly request: InvocationRequest }
  /** Nobody waits for its answer any more. Unknown ones are nothing to do for: the two messages may cross. */
  | { readonly type: "cancelInvocation"; readonly invocationId: InvocationId }
  | { readonly type: "shutdown" };

/** Main to worker. Events come batched. */
export type ToWorker =
  /** The data plane is at this change number now. */
  | { readonly type: "applied"; readonly at: number }
  /** A delta did not fit: send a snapshot. */
  | { readonly type: "resync" }
  | {
      readonly type: "events";
      readonly calls: readonly EndedCalls[];
      /** Lines of functions and of the platform, among them the calls that the platform ended. */
      readonly lines: readonly LogRecord[];
      readonly usage: readonly UsageRecord[];
      readonly functions: readonly FunctionStatus[];
      /** Functions that are gone from the data plane, with no instance left. */
      readonly gone: readonly FunctionKey[];
    }
  | { readonly type: "invoked"; readonly invocationId: InvocationId; readonly answer: InvocationAnswer }
  /** About once a second. */
  | { readonly type: "counts"; readonly counts: MainCounts }
  | { readonly type: "shutdown" };
