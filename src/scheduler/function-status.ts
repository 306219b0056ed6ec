import type { FunctionKey, FunctionStatus } from "../model/model.ts";
import type { Link } from "./link.ts";
import type { NewerRevision } from "./newer-revision.ts";
import type { Pool } from "./pool.ts";

/** One function's pools, as its status tells of them. */
export interface StatusSource<L extends Link> {
  readonly key: FunctionKey;
  /** Absent: the function was removed, and ends. */
  readonly serving: Pool<L> | undefined;
  readonly next: NewerRevision<L> | undefined;
  /** The next revision is not started for want of room. */
  readonly nextWaitsForRoom: boolean;
  /** All of them, those that end as well. */
  readonly pools: Iterable<Pool<L>>;
}

/** How a function stands, in plain data. */
export function functionStatus<L extends Link>(source: StatusSource<L>): FunctionStatus {
  const { key, serving } = source;
  const failure = serving?.lastFailure;
  return {
    function: key,
    ...(serving && { serving: serving.revision.id }),
    ...(source.next && { next: nextStatus(source.next, source.nextWaitsForRoom) }),
    ...(failure && {
      lastStartFailure: {
        errorType: failure.fault.errorType,
        message: failure.fault.message,
        stderrTail: failure.stderrTail,
      },
    }),
    instances: [...source.pools].flatMap((pool) => [...pool.instances].map((instance) => instance.status())),
  };
}

function nextStatus<L extends Link>(
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
