import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ProvisionConfig, ScheduledAction, TargetTrackingPolicy } from "../../model/model.ts";
import { ProvisionPlan, trackedCapacity } from "./provision-plan.ts";

const DAY = Date.parse("2026-12-24T00:00:00Z");
const HOUR_MS = 3_600_000;

function action(scheduleExpression: string, target: number, more: Partial<ScheduledAction> = {}): ScheduledAction {
  return { name: "a", startAt: DAY, endAt: DAY + 24 * HOUR_MS, target, scheduleExpression, ...more };
}

const POLICY: TargetTrackingPolicy = {
  name: "p",
  startAt: DAY,
  endAt: DAY + 24 * HOUR_MS,
  metricType: "ProvisionedConcurrencyUtilization",
  metricTarget: 0.5,
  minCapacity: 2,
  maxCapacity: 10,
};

function plan(more: Partial<ProvisionConfig>): ProvisionPlan {
  const rest = { alwaysAllocateCpu: true, scheduledActions: [], targetTrackingPolicies: [] };
  return new ProvisionPlan({ target: 1, ...rest, ...more });
}

test("a scheduled action holds from when it fires to its end, and the configured target else", () => {
  const seen = plan({ scheduledActions: [action("at(2026-12-24T08:00:00)", 5)] });
  const targets = [-1, 0, 7.99, 8, 9, 23.99, 24].map((hours) => seen.targetAt(DAY + hours * HOUR_MS));
  assert.deepEqual(targets, [1, 1, 1, 5, 5, 5, 1]);
  assert.equal(seen.nextChangeAfter(DAY), DAY + 8 * HOUR_MS);
  assert.equal(seen.nextChangeAfter(DAY + 8 * HOUR_MS), DAY + 24 * HOUR_MS);
  assert.equal(seen.nextChangeAfter(DAY + 24 * HOUR_MS), undefined);
});

test("of several actions the one that fired last holds, so that one can take back what another gave", () => {
  const seen = plan({
    scheduledActions: [
      action("cron(0 0 8 * * *)", 10),
      action("cron(0 0 18 * * *)", 2),
      action("at(2026-12-24T18:00:00)", 4),
    ],
  });
  const targets = [9, 17.99, 18, 23].map((hours) => seen.targetAt(DAY + hours * HOUR_MS));
  assert.deepEqual(targets, [10, 10, 4, 4]);
});

test("of the schedule and the policies that are active the one that wants most wins", () => {
  const seen = plan({
    scheduledActions: [action("cron(0 0 * * * *)", 3)],
    targetTrackingPolicies: [{ ...POLICY, endAt: DAY + HOUR_MS, minCapacity: 4 }],
  });
  const targets = [0, 0.5, 2].map((hours) => seen.targetAt(DAY + hours * HOUR_MS));
  assert.deepEqual(targets, [4, 4, 3]);
});

test("an action that fired before its own time does not count", () => {
  const seen = plan({ scheduledActions: [action("cron(0 0 8 * * *)", 5)] });
  assert.equal(seen.targetAt(DAY + HOUR_MS), 1, "8 o'clock of the day before");
  assert.equal(seen.targetAt(DAY + 9 * HOUR_MS), 5);
});

test("tracking goes up in one step, down by half of what could go, and never over its bounds", () => {
  const moves: readonly (readonly [capacity: number, utilization: number, expected: number])[] = [
    [2, 0.5, 2],
    [2, 0.75, 3],
    [4, 1, 8],
    [8, 1, 10],
    [10, 0.25, 8],
    [8, 0, 4],
    [3, 0, 2],
    [2, 0, 2],
  ];
  for (const [capacity, seen, expected] of moves) {
    assert.equal(trackedCapacity(POLICY, capacity, { ProvisionedConcurrencyUtilization: seen }), expected);
  }
  assert.equal(trackedCapacity(POLICY, 5, { CPUUtilization: 1 }), 5, "another metric, or none");
});

test("a policy starts anew when it becomes active again", () => {
  const seen = plan({ target: 3, targetTrackingPolicies: [POLICY] });
  seen.track({ ProvisionedConcurrencyUtilization: 1 }, DAY);
  assert.equal(seen.targetAt(DAY), 6);
  seen.track({}, DAY + 25 * HOUR_MS);
  assert.equal(seen.targetAt(DAY), 3);
});

test("tracking stays within its bounds and moves towards its target (property)", () => {
  fc.assert(
    fc.property(fc.nat(20), fc.double({ min: 0, max: 3, noNaN: true }), (capacity, seen) => {
      const next = trackedCapacity(POLICY, capacity, { ProvisionedConcurrencyUtilization: seen });
      assert.ok(Number.isInteger(next) && next >= 2 && next <= 10);
      const within = Math.min(10, Math.max(2, capacity));
      if (seen > 0.5) assert.ok(next >= within);
      else assert.ok(next <= within);
    }),
  );
});
