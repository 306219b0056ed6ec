import type { ErrorType } from "./faults.ts";

/** What the main loop counts, for the metrics: sums since the start, and how it stands now. Plain data. */
export interface MainCounts {
  /** What the gateway refused or ended because a limit or a rule was passed, by token (docs/limits.md). */
  readonly refusals: Readonly<Record<string, number>>;
  /** Clients connected now. */
  readonly clientConnections: number;
  /** Calls that have begun and not ended. */
  readonly openCalls: number;
  /** Calls that ended, by grpc-status. */
  readonly endedCalls: Readonly<Record<number, number>>;
  /** Those of them that the platform ended, by x-fc-error-type. */
  readonly platformEndedCalls: Readonly<Partial<Record<ErrorType, number>>>;
  /** Log lines and records of calls that were dropped because the worker did not take them. */
  readonly droppedReports: number;
}
