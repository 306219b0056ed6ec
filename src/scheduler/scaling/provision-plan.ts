import {
  type ProvisionConfig,
  parseSchedule,
  type ScheduledAction,
  type TargetTrackingPolicy,
  type TrackedMetric,
} from "../../model/model.ts";

/** Utilization of the provisioned instances over the last minute, 0 and up; absent: not known. */
export type Utilization = Readonly<Partial<Record<TrackedMetric, number>>>;

/**
 * How much of what utilization would allow is given back in a minute. Function Compute scales in "conservatively", by a
 * coefficient between 0 and 1 that it does not publish: half.
 */
const SCALE_IN_COEFFICIENT = 0.5;

/**
 * Instances that the actions want: what the one that fired last says, until another fires or its own time ends; of two
 * that fired at once the larger. Undefined where none is active that has fired.
 */
export function scheduledTarget(actions: readonly ScheduledAction[], nowAt: number): number | undefined {
  let latest: { readonly firedAt: number; readonly target: number } | undefined;
  for (const action of actions) {
    if (!isActive(action, nowAt)) continue;
    const firedAt = parseSchedule(action.scheduleExpression)?.lastBy(nowAt);
    if (firedAt === undefined || firedAt < action.startAt) continue;
    const { target } = action;
    if (latest === undefined || firedAt > latest.firedAt) latest = { firedAt, target };
    else if (firedAt === latest.firedAt && target > latest.target) latest = { firedAt, target };
  }
  return latest?.target;
}

/** Instances that this policy wants after a minute in which it wanted `capacity`. */
export function trackedCapacity(policy: TargetTrackingPolicy, capacity: number, utilization: Utilization): number {
  const metric = utilization[policy.metricType];
  const { metricTarget, minCapacity, maxCapacity } = policy;
  return Math.min(maxCapacity, Math.max(minCapacity, metric === undefined ? capacity : moved(capacity, metric)));

  function moved(current: number, seen: number): number {
    if (seen > metricTarget) return Math.ceil((current * seen) / metricTarget);
    const surplus = current * SCALE_IN_COEFFICIENT * (1 - seen / metricTarget);
    return seen === 0 ? Math.floor(current - surplus) : Math.ceil(current - surplus);
  }
}

function isActive({ startAt, endAt }: { readonly startAt: number; readonly endAt: number }, nowAt: number): boolean {
  return nowAt >= startAt && nowAt < endAt;
}

/**
 * How many provisioned instances one function should have (Function Compute, "Configure provisioned instances and auto
 * scaling rules"): of the schedule and the policies that are active the one that wants most, else the configured target.
 * All times are Unix epoch milliseconds.
 */
export class ProvisionPlan {
  readonly config: ProvisionConfig;
  /** What each policy wants; not there before its first minute. */
  readonly #capacities = new Map<TargetTrackingPolicy, number>();

  constructor(config: ProvisionConfig) {
    this.config = config;
  }

  /** Whether utilization matters. */
  get tracks(): boolean {
    return this.config.targetTrackingPolicies.length > 0;
  }

  targetAt(nowAt: number): number {
    const { target, scheduledActions, targetTrackingPolicies } = this.config;
    const wanted = [
      scheduledTarget(scheduledActions, nowAt),
      ...targetTrackingPolicies.map((policy) => (isActive(policy, nowAt) ? this.#capacityOf(policy) : undefined)),
    ].filter((each) => each !== undefined);
    return wanted.length === 0 ? target : Math.max(...wanted);
  }

  /** When the target may be another without a minute of tracking: an action fires, begins or ends; undefined: never. */
  nextChangeAfter(nowAt: number): number | undefined {
    const { scheduledActions, targetTrackingPolicies } = this.config;
    const times = [...scheduledActions, ...targetTrackingPolicies].flatMap(({ startAt, endAt }) => [startAt, endAt]);
    for (const { scheduleExpression } of scheduledActions) {
      const fires = parseSchedule(scheduleExpression)?.nextAfter(nowAt);
      if (fires !== undefined) times.push(fires);
    }
    const next = Math.min(...times.filter((at) => at > nowAt));
    return Number.isFinite(next) ? next : undefined;
  }

  /** A minute has passed with this utilization. */
  track(utilization: Utilization, nowAt: number): void {
    for (const policy of this.config.targetTrackingPolicies) {
      if (isActive(policy, nowAt)) {
        this.#capacities.set(policy, trackedCapacity(policy, this.#capacityOf(policy), utilization));
      } else {
        this.#capacities.delete(policy);
      }
    }
  }

  /** A policy begins with the configured target, within its bounds. */
  #capacityOf(policy: TargetTrackingPolicy): number {
    const begin = Math.min(policy.maxCapacity, Math.max(policy.minCapacity, this.config.target));
    return this.#capacities.get(policy) ?? begin;
  }
}
