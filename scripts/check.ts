/** `npm run check`: format, lint, types, imports, docs drift. Runs all, then says which failed. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

const steps: readonly (readonly [string, string, readonly string[]])[] = [
  ["format and lint", bin("biome"), ["ci", "--error-on-warnings", "--colors=off", "."]],
  ["types", bin("tsc"), ["-p", "tsconfig.json"]],
  ["imports", process.execPath, [join(root, "scripts", "check-imports.ts")]],
  ["docs", process.execPath, [join(root, "scripts", "generate-docs.ts"), "--check"]],
];

const failed: string[] = [];
for (const [name, command, args] of steps) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (error !== undefined) console.error(`check: ${name}: ${error.message}`);
  if (status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "check: all good" : `check: failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
