/**
 * Provisioned instances of a function: how many are kept ready, and when that number changes (Function Compute,
 * "Configure provisioned instances and auto scaling rules"). All points in time are Unix epoch milliseconds.
 */

/** Sets the target at a time, while now is within [startAt, endAt). */
export interface ScheduledAction {
  readonly name: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly target: number;
  /** `at(2026-12-24T08:00:00)` once, or `cron(sec min hour day month weekday)`; both in UTC. */
  readonly scheduleExpression: string;
}

/** What target tracking looks at, each a share from 0 to 1 of what the provisioned instances could do. */
export type TrackedMetric = "ProvisionedConcurrencyUtilization" | "CPUUtilization";

/** Follows the load, once a minute while now is within [startAt, endAt). */
export interface TargetTrackingPolicy {
  readonly name: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly metricType: TrackedMetric;
  /** The utilization to keep, above 0 and below 1. */
  readonly metricTarget: number;
  readonly minCapacity: number;
  readonly maxCapacity: number;
}

export interface ProvisionConfig {
  /** Instances to keep ready where no action or policy says otherwise. */
  readonly target: number;
  /** False: a provisioned instance without calls is frozen. */
  readonly alwaysAllocateCpu: boolean;
  readonly scheduledActions: readonly ScheduledAction[];
  readonly targetTrackingPolicies: readonly TargetTrackingPolicy[];
}

/** How the provisioned instances of a function stand. */
export interface ProvisionStatus {
  /** What is wanted now, after actions and policies. */
  readonly target: number;
  /** Instances that are ready. */
  readonly current: number;
  /** Why fewer are ready than wanted; absent where all is well or they are just starting. */
  readonly currentError?: string;
}
