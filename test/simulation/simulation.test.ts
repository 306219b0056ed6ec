import { test } from "node:test";
import { systemRandom } from "../../src/base/base.ts";
import { simulate } from "./support/simulation.ts";

/** Seeds with their events, and what was wrong once, or is met on the way. `npm run simulate` draws others. */
const SEEDS: readonly (readonly [number, number, string])[] = [
  [5, 2400, "an instance that was woken while it was told to sleep was frozen after it"],
  [105, 25_221, "a redeploy of a redeploy had the old revision started"],
  [136, 25_669, "a call waited ever longer, since hope came and went"],
  [200, 60_000, "redeploys, crashes and back-off"],
  [1908, 37_700, "who had no room when it was its turn was behind those that waited for a turn alone"],
  [62_702, 23_700, "a start that a redeploy gave up made room out of the instance that was to serve meanwhile"],
  [700, 60_000, "many starts and exits"],
];

for (const [seed, events, what] of SEEDS) {
  test(`Simulation keeps its invariants with seed ${seed}: ${what}`, async () => {
    await simulate(seed, events);
  });
}

const seed = Math.floor(systemRandom() * 2 ** 31);
test(`Simulation keeps its invariants with a seed drawn now: npm run simulate -- --seed ${seed} --events 150000`, async () => {
  await simulate(seed, 150_000);
});
