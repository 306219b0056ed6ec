import type { FunctionKey, FunctionStatus, InstanceStatus, ProvisionStatus, RevisionId } from "../model/model.ts";
import type { Link } from "./link.ts";
import type { NewerRevision } from "./newer-revision.ts";
import type { StartFailure } from "./pool.ts";

/** How one branch of a function stands, in plain data. */
export interface BranchStatus {
  /** Absent: it takes no calls. */
  readonly serving: RevisionId | undefined;
  readonly next: FunctionStatus["next"] | undefined;
  /** Of the revision that serves. */
  readonly lastStartFailure: StartFailure | undefined;
  /** All of them, those that end as well. */
  readonly instances: readonly InstanceStatus[];
}

/** How a function stands: the main branch first, then those with a share of the calls, then those that end. */
export function functionStatus(
  key: FunctionKey,
  branches: readonly BranchStatus[],
  restarts: number,
  provision: ProvisionStatus | undefined,
): FunctionStatus {
  const serving = branches.find((branch) => branch.serving !== undefined)?.serving;
  const next = branches.find((branch) => branch.next !== undefined)?.next;
  const failure = branches.find((branch) => branch.lastStartFailure !== undefined)?.lastStartFailure;
  return {
    function: key,
    ...(serving && { serving }),
    ...(next && { next }),
    ...(failure && {
      lastStartFailure: {
        errorType: failure.fault.errorType,
        message: failure.fault.message,
        stderrTail: failure.stderrTail,
      },
    }),
    instances: branches.flatMap((branch) => branch.instances),
    ...(restarts > 0 && { restarts }),
    ...(provision && { provision }),
  };
}

/** How a newer revision stands. */
export function nextStatus<L extends Link>(
  next: NewerRevision<L>,
  waitsForRoom: boolean,
): NonNullable<FunctionStatus["next"]> {
  const revisionId = next.pool.revision.id;
  if (next.failure !== undefined) {
    const tail = next.pool.lastFailure?.stderrTail;
    const reason = tail ? `${next.failure.message}\n${tail}` : next.failure.message;
    return { revisionId, state: "failed", reason };
  }
  if (waitsForRoom) return { revisionId, state: "starting", reason: "waits for room: instances take all there is" };
  return { revisionId, state: "starting" };
}
