import type { CallEnded, ErrorType } from "../model/model.ts";

/** grpc-status values are 0 to 16; what a function may make up beyond counts as UNKNOWN. */
const STATUS_COUNT = 17;
const UNKNOWN = 2;

/** Counts the calls that ended. On the way of every call: it adds to numbers, and does nothing else. */
export class CallCounts {
  readonly #byStatus = new Array<number>(STATUS_COUNT).fill(0);
  readonly #byErrorType = new Map<ErrorType, number>();

  ended({ grpcStatus, cause }: CallEnded): void {
    const status = grpcStatus < STATUS_COUNT ? grpcStatus : UNKNOWN;
    this.#byStatus[status] = this.#byStatus[status]! + 1;
    if (cause === undefined) return;
    this.#byErrorType.set(cause.errorType, (this.#byErrorType.get(cause.errorType) ?? 0) + 1);
  }

  /** All statuses; those that no call ended with are 0. */
  byStatus(): Record<number, number> {
    return { ...this.#byStatus };
  }

  byErrorType(): Partial<Record<ErrorType, number>> {
    return Object.fromEntries(this.#byErrorType);
  }
}
