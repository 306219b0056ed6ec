import type { FunctionKey, InstanceId, RevisionId } from "./ids.ts";

/**
 * A stretch of time in which an instance was busy, as the bill counts it: at least one call was open on it. Stretches
 * of one instance never overlap, so that their sum is the union of its calls. An open stretch is cut and recorded
 * about every half second, so that kill -9 loses at most a second.
 */
export interface UsageRecord {
  readonly instanceId: InstanceId;
  readonly function: FunctionKey;
  readonly revisionId: RevisionId;
  readonly memoryMb: number;
  /** Whole milliseconds of the gateway's monotonic clock, [startMs, endMs). */
  readonly startMs: number;
  readonly endMs: number;
  /** Calls that began on the instance within it. */
  readonly calls: number;
  /** When the stretch began, Unix epoch milliseconds: for reports, never for sums. */
  readonly startedAt: number;
}

/** GB-seconds of a busy time: memorySize (not what was used of it) times the time, as Function Compute bills. */
export function gbSecondsOf(usage: { readonly busyMs: number; readonly memoryMb: number }): number {
  return (usage.memoryMb / 1024) * (usage.busyMs / 1000);
}
