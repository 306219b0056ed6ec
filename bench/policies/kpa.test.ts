import assert from "node:assert/strict";
import { test } from "node:test";
import { Kpa, type KpaObservation } from "./kpa.ts";

const CALM: KpaObservation = {
  nowSeconds: 100,
  stableConcurrency: 0,
  panicConcurrency: 0,
  readyPods: 1,
  podConcurrency: 10,
};

test("Kpa wants the concurrency over 70 % of containerConcurrency, rounded up", () => {
  // 21 open calls at a target of 7 a pod are 3 pods, 22 are 4.
  for (const [concurrency, pods] of [
    [0.1, 1],
    [7, 1],
    [21, 3],
    [22, 4],
  ] as const) {
    const seen = { ...CALM, stableConcurrency: concurrency, panicConcurrency: concurrency, readyPods: 3 };
    assert.equal(new Kpa().desiredPods(seen), pods);
  }
});

test("Kpa goes down by half at the most, and to zero from one", () => {
  assert.equal(new Kpa().desiredPods({ ...CALM, readyPods: 9 }), 4);
  assert.equal(new Kpa().desiredPods({ ...CALM, readyPods: 1 }), 0);
});

test("Kpa panics where the last 6 s want twice the pods, and does not go down for the stable window after that", () => {
  const kpa = new Kpa();
  // Worked example: 1 pod, 70 open calls lately, 7 over the minute: 10 pods at once.
  assert.equal(kpa.desiredPods({ ...CALM, stableConcurrency: 7, panicConcurrency: 70 }), 10);
  assert.equal(kpa.isPanicking, true);
  const after = { ...CALM, stableConcurrency: 7, panicConcurrency: 0, readyPods: 10 };
  assert.equal(kpa.desiredPods({ ...after, nowSeconds: 150 }), 10);
  assert.equal(kpa.desiredPods({ ...after, nowSeconds: 161 }), 5, "half of ten");
  assert.equal(kpa.isPanicking, false);
});

test("Kpa goes up by the factor 1,000 at the most", () => {
  assert.equal(new Kpa().desiredPods({ ...CALM, stableConcurrency: 14_000, panicConcurrency: 14_000 }), 1000);
});
