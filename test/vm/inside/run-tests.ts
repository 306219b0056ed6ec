/** Runs the named test files and writes how each test ended to standard output. */
import { run } from "node:test";
import { inspect } from "node:util";
import type { GuestLine } from "./results.ts";

const FILE_LIMIT_MS = 600_000;

/** Of what a file's process said: enough for the reason why it could not be loaded. */
const SAID_CHARACTERS = 2_000;

let said = "";
/** Names of the suites that are open, outermost first. */
const path: string[] = [];

const events = run({ files: process.argv.slice(2), concurrency: 1, timeout: FILE_LIMIT_MS });
for await (const { type, data } of events) {
  switch (type) {
    case "test:start":
      path.splice(data.nesting, Number.POSITIVE_INFINITY, data.name);
      break;
    case "test:pass":
      if (data.details.type === "suite" && data.skip === undefined) break;
      tell({ type: "test", name: nameOf(data), ...skippedAs(data.skip) });
      break;
    case "test:fail": {
      const { error } = data.details;
      // A suite fails with its tests, which have told; but not where one of its hooks does.
      if (error.failureType === "subtestsFailed") break;
      const isFile = process.argv.includes(data.name);
      tell({
        type: "test",
        name: nameOf(data),
        failure: `${inspect(error.cause ?? error)}${isFile ? `\n${said}` : ""}`,
      });
      break;
    }
    case "test:stdout":
    case "test:stderr":
      process.stderr.write(data.message);
      said = (said + data.message).slice(-SAID_CHARACTERS);
      break;
  }
}
tell({ type: "end" });

function nameOf({ nesting, name }: { readonly nesting: number; readonly name: string }): string {
  return [...path.slice(0, nesting), name].join(" > ");
}

function skippedAs(skip: string | boolean | undefined): { readonly skipped?: string } {
  if (skip === undefined || skip === false) return {};
  return { skipped: skip === true || skip === "" ? "without a reason" : skip };
}

function tell(line: GuestLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
