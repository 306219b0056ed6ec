import { functionKey, type InstanceId, type RevisionId, type UsageRecord } from "../../model/model.ts";

/** A stretch of usage of function `s/f` at 512 MB, which began at 02:00 of the epoch's first day plus `startMs`. */
export function usage(
  instance: string,
  startMs: number,
  endMs: number,
  calls: number,
  more: Partial<UsageRecord> = {},
): UsageRecord {
  return {
    instanceId: instance as InstanceId,
    function: functionKey("s", "f"),
    revisionId: "r" as RevisionId,
    memoryMb: 512,
    startMs,
    endMs,
    calls,
    startedAt: 7_200_000 + startMs,
    ...more,
  };
}
