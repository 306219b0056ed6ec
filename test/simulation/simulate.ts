/**
 * `npm run simulate [-- --seed N] [--events N] [--lines N]`: the real scheduler on fake time, through random traces of
 * arrivals, starts, crashes, redeploys and whatever else happens, with everything checked after every event. The same
 * seed and number of events give the same run; `--lines` says how many lines a failure prints of what came before.
 */
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "../../src/base/base.ts";
import { simulate } from "./support/simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    events: { type: "string", default: "1000000" },
    lines: { type: "string", default: "60" },
  },
});
const seed = values.seed === undefined ? Math.floor(systemRandom() * 2 ** 31) : Number(values.seed);
console.log(`seed ${seed}`);
const startedAt = systemClock.nowMs();
try {
  const { events, chapters, days, calls, starts, exits } = await simulate(
    seed,
    Number(values.events),
    Number(values.lines),
  );
  const seconds = (systemClock.nowMs() - startedAt) / 1000;
  console.log(
    `${events} events in ${seconds.toFixed(1)} s (${Math.round(events / seconds)} a second): ${chapters} chapters, ` +
      `${days.toFixed(1)} simulated days, ${calls} calls, ${starts} starts, ${exits} exits; nothing was wrong`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
