/** What bounds the scheduler; every one is in the configuration. */
export interface SchedulerLimits {
  /** From spawn to the first SETTINGS of the instance. */
  readonly startLimitMs: number;
  /** Calls of one function that may wait for a slot. */
  readonly queueCallsMax: number;
  /** Wait in the queue while no instance can be added. While one is starting it is `startLimitMs`. */
  readonly queueWaitAtLimitMs: number;
  /** An instance without calls is frozen after this time, where the driver can; from `idleStopMs` on: never. */
  readonly idleFreezeMs: number;
  /** An instance without calls is stopped after this time. */
  readonly idleStopMs: number;
  /** Instances of all functions, also those that end; a redeploy may go one beyond. */
  readonly instancesMax: number;
  /** Starts for calls that all functions together may make at once, and get back for each minute. */
  readonly growthBurst: number;
  readonly growthPerMinute: number;
  /** Instances that start at the same time, taken round-robin over functions. A start counts for 10 s at the most. */
  readonly startsAtOnceMax: number;
  /** From SIGTERM to SIGKILL when an instance is stopped. */
  readonly stopGraceMs: number;
  /** After a failed start: the first pause, doubled with each further failure up to the longest. */
  readonly backOffFirstMs: number;
  readonly backOffMaxMs: number;
  /** memorySize of all instances together. */
  readonly hostMemoryMb: number;
}

export const defaultSchedulerLimits: SchedulerLimits = {
  startLimitMs: 120_000,
  queueCallsMax: 1000,
  queueWaitAtLimitMs: 10_000,
  idleFreezeMs: 1000,
  idleStopMs: 300_000,
  instancesMax: 100,
  growthBurst: 300,
  growthPerMinute: 300,
  startsAtOnceMax: 4,
  stopGraceMs: 10_000,
  backOffFirstMs: 1000,
  backOffMaxMs: 60_000,
  hostMemoryMb: Number.MAX_SAFE_INTEGER,
};

/** Fills in the defaults. */
export function schedulerLimits(given: Partial<SchedulerLimits> = {}): SchedulerLimits {
  return { ...defaultSchedulerLimits, ...given };
}
