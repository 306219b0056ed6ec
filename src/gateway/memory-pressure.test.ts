import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gatewayLimits } from "./limits.ts";
import { idlestToClose, Pressure, pressureAt, stallsToCut } from "./memory-pressure.ts";

const MIB = 1024 * 1024;
const LIMITS = gatewayLimits({ memoryMaxMb: 1000 });

test("pressureAt: levels begin at 75, 85 and 95 percent, and end 5 below", () => {
  let level: Pressure = Pressure.NONE;
  const seen: [number, Pressure][] = [];
  for (const usedMb of [749, 750, 849, 850, 949, 950, 1200, 901, 899, 801, 799, 701, 699]) {
    level = pressureAt(usedMb * MIB, level, LIMITS);
    seen.push([usedMb, level]);
  }
  assert.deepEqual(seen, [
    [749, 0],
    [750, 1],
    [849, 1],
    [850, 2],
    [949, 2],
    [950, 3],
    [1200, 3],
    [901, 3],
    [899, 2],
    [801, 2],
    [799, 1],
    [701, 1],
    [699, 0],
  ]);
});

test("pressureAt: a value that swings by less than the hysteresis changes nothing after the first look", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1200 }), fc.array(fc.integer({ min: 0, max: 49 })), (baseMb, swingsMb) => {
      // The highest value first: what comes below it by less than 5 percent keeps its level.
      const first = pressureAt((baseMb + 49) * MIB, Pressure.NONE, LIMITS);
      let level = first;
      for (const swingMb of swingsMb) level = pressureAt((baseMb + swingMb) * MIB, level, LIMITS);
      assert.equal(level, first);
    }),
  );
});

test("stallsToCut: the oldest first, as many as free the bytes, none that moved within 10 s", () => {
  const stalls = [
    { name: "slow", stalledPeriods: 9, queuedBytes: 1000 },
    { name: "newer", stalledPeriods: 10, queuedBytes: 1000 },
    { name: "oldest", stalledPeriods: 600, queuedBytes: 1000 },
    { name: "older", stalledPeriods: 30, queuedBytes: 1000 },
    { name: "nothing waits", stalledPeriods: -1, queuedBytes: 0 },
  ];
  const names = (bytes: number) => stallsToCut(stalls, bytes).map(({ name }) => name);
  assert.deepEqual(names(0), []);
  assert.deepEqual(names(1), ["oldest"]);
  assert.deepEqual(names(1001), ["oldest", "older"]);
  assert.deepEqual(names(1_000_000), ["oldest", "older", "newer"]);
});

test("idlestToClose: a tenth, ten at least, those unused longest", () => {
  const idle = Array.from({ length: 200 }, (_, index) => ({ usedAt: (index * 7) % 200 }));
  assert.deepEqual(
    idlestToClose(idle).map(({ usedAt }) => usedAt),
    Array.from({ length: 20 }, (_, index) => index),
  );
  assert.equal(idlestToClose(idle.slice(0, 12)).length, 10);
  assert.equal(idlestToClose(idle.slice(0, 3)).length, 3);
});
