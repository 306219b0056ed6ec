/** What a decision looks at: one function and the room that is left, at one moment. */
export interface ScaleObservation {
  /** Calls in the queue. */
  readonly waitingCalls: number;
  /** Instances of the serving revision that will take calls soon: starting, waking up, or connecting anew. */
  readonly comingInstances: number;
  /** Instances of the serving revision that are asleep: to wake one takes no room, and a moment. */
  readonly asleepInstances: number;
  /** Instances of the function that take calls or will: those that finish their last calls do not count. */
  readonly instances: number;
  /** Provisioned instances that are not there, not even starting. */
  readonly missingProvisioned: number;
  /** Calls that one more instance is expected to take at once, at least 1. */
  readonly callsPerInstance: number;
  /** Every instance has more calls than instanceSoftConcurrency. */
  readonly aboveSoftConcurrency: boolean;
  /** Whether starts of the revision fail (BackOff.stateAt). */
  readonly backOff: "off" | "paused" | "trying";
  /** Most instances of the function; undefined: only the shared limits. */
  readonly functionInstancesMax: number | undefined;
  /** Instances that the account may still start, and may now, given how fast it may grow. */
  readonly accountInstancesLeft: number;
  readonly growthLeft: number;
  /** Memory that instances may still take together, in MB, and what one of this revision takes. */
  readonly hostMemoryLeftMb: number;
  readonly memoryMb: number;
}

/** What keeps a decision below what the calls need. */
export type ScaleLimit = "backOff" | "function" | "account" | "growth" | "host";

export interface ScaleDecision {
  /** Instances to wake. */
  readonly wake: number;
  /** Instances to start. */
  readonly start: number;
  /** Set where fewer are started than the calls need: the tightest limit. */
  readonly limitedBy: ScaleLimit | undefined;
}

/**
 * How many instances to wake and to start: as many as the waiting calls need beyond what comes anyway, those asleep
 * first. A function fills its instances before it gets another, unless instanceSoftConcurrency asks for the next one early (Function Compute,
 * "Instance concurrency").
 */
export function decideStarts(seen: ScaleObservation): ScaleDecision {
  const forQueue = Math.ceil(seen.waitingCalls / seen.callsPerInstance) - seen.comingInstances;
  // One that is asleep is as good as one that was started early.
  const hasSpare = seen.comingInstances > 0 || seen.asleepInstances > 0;
  const early = seen.aboveSoftConcurrency && !hasSpare ? 1 : 0;
  const needed = Math.max(0, forQueue, early);
  const wake = Math.min(needed, seen.asleepInstances);
  // A provisioned instance that comes up serves calls like any other.
  let start = Math.max(needed - wake, seen.missingProvisioned);
  let limitedBy: ScaleLimit | undefined;
  for (const [limit, left] of limitsOf(seen)) {
    if (left >= start) continue;
    start = Math.max(0, left);
    limitedBy = limit;
  }
  return { wake, start, limitedBy };
}

/** How many starts each limit allows now. */
function limitsOf(seen: ScaleObservation): readonly (readonly [ScaleLimit, number])[] {
  const retries = { off: Number.POSITIVE_INFINITY, paused: 0, trying: 1 - seen.comingInstances };
  return [
    ["backOff", retries[seen.backOff]],
    ["function", (seen.functionInstancesMax ?? Number.POSITIVE_INFINITY) - seen.instances],
    ["account", seen.accountInstancesLeft],
    // What is provisioned was asked for ahead, and is no growth by calls.
    ["growth", Math.max(seen.growthLeft, seen.missingProvisioned)],
    ["host", Math.floor(seen.hostMemoryLeftMb / seen.memoryMb)],
  ];
}
