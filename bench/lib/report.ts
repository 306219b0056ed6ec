import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, release } from "node:os";
import { join } from "node:path";

/** A bar of docs/performance.md: it holds when the value is at most the limit. A missing value never holds. */
export interface Bar {
  readonly name: string;
  readonly value: number | null;
  readonly limit: number;
}

export interface BenchResult {
  readonly bench: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly bars: readonly Bar[];
  /** What is worth saying beside the numbers: raised limits, missing peers. */
  readonly notes: readonly string[];
}

/** Seconds that one side of one pair is measured, and pairs; CI runs each bench for a second to see that it works. */
export interface BenchLength {
  readonly seconds: number;
  readonly pairs: number;
}

/** Prints a result as a table, and writes it to bench/results/NAME.json. */
export function report(result: BenchResult, directory: string): void {
  const bars = result.bars.map((bar) => ({ ...bar, ok: bar.value !== null && bar.value <= bar.limit }));
  console.log(`\n${result.bench}`);
  console.table(result.rows);
  for (const bar of bars)
    console.log(`${bar.ok ? "ok    " : "NOT OK"} ${bar.name} = ${bar.value ?? "missing"} (bar ${bar.limit})`);
  for (const note of result.notes) console.log(`note: ${note}`);
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "?"}, ${arch()}, Linux ${release()}, Node.js ${process.versions.node}`;
  mkdirSync(directory, { recursive: true });
  const document = {
    bench: result.bench,
    at: new Date().toISOString(),
    machine,
    rows: result.rows,
    bars,
    notes: result.notes,
  };
  writeFileSync(join(directory, `${result.bench}.json`), `${JSON.stringify(document, undefined, 2)}\n`);
}
