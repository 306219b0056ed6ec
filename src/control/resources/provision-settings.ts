/** What provision configs may hold: Function Compute's fields and ranges (API 2021-04-06, PutProvisionConfig). */
import { z } from "zod";
import { type ProvisionConfig, parseSchedule, parseUtcTime, SCHEDULE_RULE } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import { checked, flag, inRange, integer, name, settings } from "./validation.ts";

const TARGET_MAX = 10_000;
/** Actions, and policies, of one config. */
const RULE_COUNT_MAX = 100;

const target = integer(0, TARGET_MAX, "instances");
const capacity = integer(1, TARGET_MAX, "instances");

const time = z
  .custom<string>(
    (value) => typeof value === "string" && parseUtcTime(value) !== undefined,
    "a time in UTC, as 2026-12-24T08:00:00Z",
  )
  .transform((value) => parseUtcTime(value) as number);

const span = { name: name(128), startTime: time, endTime: time };

const scheduleExpression = z.custom<string>(
  (value) => typeof value === "string" && parseSchedule(value) !== undefined,
  SCHEDULE_RULE,
);

const scheduledAction = z
  .object({ ...span, target, scheduleExpression }, "an object")
  .transform(({ startTime: startAt, endTime: endAt, ...rest }) => ({ ...rest, startAt, endAt }));

const policy = z
  .object(
    {
      ...span,
      metricType: z.custom<"ProvisionedConcurrencyUtilization" | "CPUUtilization">(
        (value) => value === "ProvisionedConcurrencyUtilization" || value === "CPUUtilization",
        "ProvisionedConcurrencyUtilization or CPUUtilization (this version of Sluice has no GPUs)",
      ),
      metricTarget: z.custom<number>(
        (value) => typeof value === "number" && value > 0 && value < 1,
        "a number above 0 and below 1",
      ),
      minCapacity: capacity,
      maxCapacity: capacity,
    },
    "an object",
  )
  .transform(({ startTime: startAt, endTime: endAt, ...rest }) => ({ ...rest, startAt, endAt }));

const schema = settings({
  alwaysAllocateCPU: flag(),
  scheduledActions: z.array(scheduledAction, "a list").max(RULE_COUNT_MAX, `at most ${RULE_COUNT_MAX} actions`),
  targetTrackingPolicies: z.array(policy, "a list").max(RULE_COUNT_MAX, `at most ${RULE_COUNT_MAX} policies`),
}).extend({ target });

/** What was sent, with defaults. Throws an ApiError InvalidArgument that names the field. */
export function provisionConfigOf(input: unknown): ProvisionConfig {
  const given = checked(schema, input);
  const { scheduledActions = [], targetTrackingPolicies = [], alwaysAllocateCPU: alwaysAllocateCpu = true } = given;
  checkSpans("scheduledActions", scheduledActions);
  checkSpans("targetTrackingPolicies", targetTrackingPolicies);
  for (const [index, { minCapacity, maxCapacity }] of targetTrackingPolicies.entries()) {
    if (inRange(minCapacity, 1, maxCapacity)) continue;
    invalid(
      `targetTrackingPolicies.${index}.maxCapacity: expected at least minCapacity, ${minCapacity}, got ${maxCapacity}`,
    );
  }
  return { target: given.target, alwaysAllocateCpu, scheduledActions, targetTrackingPolicies };
}

/** Whether nothing is left to provision: Function Compute's way to delete a config. */
export function isRelease(config: ProvisionConfig): boolean {
  return config.target === 0 && config.scheduledActions.length === 0 && config.targetTrackingPolicies.length === 0;
}

/** Each name once, each end after its start. */
function checkSpans(
  field: string,
  spans: readonly { readonly name: string; readonly startAt: number; readonly endAt: number }[],
): void {
  const names = new Set<string>();
  for (const [index, each] of spans.entries()) {
    if (names.has(each.name)) invalid(`${field}.${index}.name: expected each name once, got ${each.name} twice`);
    names.add(each.name);
    if (each.endAt <= each.startAt) invalid(`${field}.${index}.endTime: expected a time after startTime`);
  }
}
