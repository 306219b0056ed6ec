import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GrowthBudget } from "./growth-budget.ts";

test("GrowthBudget holds a burst, then a start for each part of a minute", () => {
  const budget = new GrowthBudget(2, 60);
  assert.equal(budget.leftAt(5000), 2);
  budget.take(5000);
  budget.take(5000);
  assert.equal(budget.nextAt(5500), 6000);
  assert.equal(budget.leftAt(5900), 0);
  assert.equal(budget.leftAt(6001), 1);
  assert.ok(budget.nextAt(6001) < 6001);
  assert.equal(budget.leftAt(600_000), 2, "never more than the burst");
});

test("GrowthBudget allows in no stretch of time more than the burst and the rate", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (pauses) => {
      const budget = new GrowthBudget(5, 60);
      const starts: number[] = [];
      let nowMs = 0;
      for (const pause of pauses) {
        nowMs += pause / 10;
        if (budget.leftAt(nowMs) < 1) continue;
        budget.take(nowMs);
        starts.push(nowMs);
      }
      for (const [index, from] of starts.entries()) {
        const until = starts.at(-1) ?? from;
        assert.ok(starts.length - index <= 5 + (until - from) / 1000 + 1);
      }
    }),
  );
});
