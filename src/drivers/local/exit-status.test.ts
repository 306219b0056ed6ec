import assert from "node:assert/strict";
import { test } from "node:test";
import { exitStatus } from "./exit-status.ts";

test("exitStatus: codes, signals, and signals passed on as 128 + N", () => {
  assert.deepEqual(exitStatus(3, null), { code: 3, signal: undefined });
  assert.deepEqual(exitStatus(null, "SIGTERM"), { code: undefined, signal: "SIGTERM" });
  assert.deepEqual(exitStatus(137, null), { code: undefined, signal: "SIGKILL" });
  assert.deepEqual(exitStatus(134, null), { code: undefined, signal: "SIGABRT" });
  assert.deepEqual(exitStatus(255, null), { code: 255, signal: undefined });
  assert.deepEqual(exitStatus(128, null), { code: 128, signal: undefined });
  assert.deepEqual(exitStatus(null, null), { code: undefined, signal: undefined });
});
