/**
 * The drivers with control groups of version 2. Many machines still have version 1, or version 2 without controllers:
 * so a guest with Debian's kernel runs the tests of `inside/files`, and each of them counts here under its name.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSkip, runGuestTests } from "./support/machine.ts";

/** Measured without hardware virtualisation on two cores: four minutes. */
const LIMIT_MS = 480_000;
const SET_UP_LIMIT_MS = 180_000;

test("version 2, in a guest", { skip: machineSkip(), timeout: LIMIT_MS + SET_UP_LIMIT_MS }, async (t) => {
  let count = 0;
  await runGuestTests({
    limitMs: LIMIT_MS,
    onRemark: (words) => t.diagnostic(words),
    async onTest({ name, failure, skipped }) {
      count += 1;
      await t.test(name, { skip: skipped ?? false }, () => {
        if (failure !== undefined) assert.fail(failure);
      });
    },
  });
  assert.ok(count > 0, "no test was run in the guest");
});
