import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { inputs, programScript } from "./program-script.ts";

/** Prints its environment and arguments as JSON. */
const SHOW = "console.log(JSON.stringify([process.env, process.argv.slice(1)]))";

function run(environment: Record<string, string>, args: string[]): [Record<string, string>, string[]] {
  const script = programScript(environment, [process.execPath, "-e", SHOW, "--", ...args]);
  // As a driver does it: the script comes from a here-document of another shell.
  const outer = inputs("exec /bin/sh -s", [{ descriptor: 0, text: script }]);
  return JSON.parse(execFileSync("/bin/sh", ["-s"], { input: outer, env: {} }).toString());
}

test("programScript: any value and argument arrives as it is, and none is read as a command", () => {
  const word = fc
    .string({ unit: "binary", maxLength: 30 })
    .filter((text) => !text.includes("\0") && text.isWellFormed());
  const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{3,12}$/);
  fc.assert(
    fc.property(fc.dictionary(name, word, { maxKeys: 4 }), fc.array(word, { maxLength: 3 }), (environment, args) => {
      const [seen, seenArgs] = run(environment, args);
      for (const [key, value] of Object.entries(environment)) assert.equal(seen[key], value);
      assert.deepEqual(seenArgs, args);
    }),
    { numRuns: 25 },
  );
});

test("programScript: names that mean something to the shell, or are none to it, arrive too", () => {
  const environment = { IFS: "x", PPID: "1", OPTIND: "abc", "with-dash": "1", "with.dot": "2", PS4: "$(id)" };
  const [seen] = run(environment, []);
  for (const [key, value] of Object.entries(environment)) assert.equal(seen[key], value);
});

test("inputs: several texts, each at its descriptor", () => {
  const script = inputs("cat <&5; cat <&6; cat", [
    { descriptor: 5, text: "five\n" },
    { descriptor: 6, text: "six $HOME `id`\n" },
    { descriptor: 0, text: "zero\n" },
  ]);
  // Only the last command of the line has the descriptors.
  const grouped = script.replace("cat <&5; cat <&6; cat", "sh -c 'cat <&5; cat <&6; cat'");
  assert.equal(execFileSync("/bin/sh", ["-s"], { input: grouped }).toString(), "five\nsix $HOME `id`\nzero\n");
});
