/**
 * `npm run bench [-- NAME ...] [--seconds N] [--pairs N]`: runs the benchmarks, prints a table each, and writes
 * bench/results/NAME.json. Exit code 1 where one could not be run; a missed bar is printed, not an error.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import { type BenchLength, report } from "./lib/report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "5" }, pairs: { type: "string", default: "7" } },
});
const length: BenchLength = { seconds: Number(values.seconds), pairs: Number(values.pairs) };
const names = positionals.length > 0 ? positionals : Object.keys(benches);

for (const name of names) {
  const load = benches[name];
  if (load === undefined) {
    console.error(`There is no bench ${name}: ${Object.keys(benches).join(", ")}`);
    process.exitCode = 2;
    continue;
  }
  try {
    const bench = await load();
    report(await bench.run(length), join(import.meta.dirname, "results"));
  } catch (error) {
    console.error(`bench ${name} failed:`, error);
    process.exitCode = 1;
  }
}
