/**
 * `npm test`: everything that CI runs. First the checks, then unit tests, then the tests above unit level. Arguments
 * narrow it: names of files or folders. Ends with the line `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const root = resolve(import.meta.dirname, "..");
const wanted = process.argv.slice(2);

/** Files that start servers, functions and load: one after the other, so that they do not disturb each other. */
const ALONE = ["test/**/*.test.ts", "src/drivers/**/*.test.ts", "bench/**/*.test.ts"];

let passed = 0;
let failed = 0;
let skipped = 0;

function matching(patterns: readonly string[]): string[] {
  const files = globSync(patterns, { cwd: root, exclude: (name) => name.includes("node_modules") });
  const kept = wanted.length === 0 ? files : files.filter((file) => wanted.some((word) => file.startsWith(word)));
  return kept.sort().map((file) => join(root, file));
}

async function runTests(files: readonly string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  const stream = run({ files: [...files], concurrency, timeout: 600_000 });
  stream.on("test:summary", (summary) => {
    if (summary.file !== undefined) return;
    passed += summary.counts.passed;
    failed += summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    skipped += summary.counts.skipped;
  });
  for await (const chunk of stream.compose(spec)) process.stdout.write(chunk as Buffer);
}

if (wanted.length === 0) {
  const check = spawnSync(process.execPath, [join(root, "scripts", "check.ts")], { stdio: "inherit" });
  if (check.status === 0) passed += 1;
  else failed += 1;
}
const alone = matching(ALONE);
const together = matching(["src/**/*.test.ts", "scripts/**/*.test.ts", "examples/*.test.ts"]);
await runTests(
  together.filter((file) => !alone.includes(file)),
  availableParallelism(),
);
await runTests(alone, 1);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
