import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionInfo } from "../../client/client.ts";
import type { RevisionId } from "../../model/model.ts";
import { progressOf } from "./wait.ts";

const NEW = "new" as RevisionId;
const OLD = "old" as RevisionId;

function info(change: Partial<FunctionInfo>): FunctionInfo {
  return {
    serviceName: "s",
    functionName: "f",
    qualifier: "LATEST",
    runtime: "custom",
    customDomains: [],
    domains: [],
    callable: true,
    instances: [],
    revisionId: NEW,
    revisionNumber: 2,
    codeChecksum: "0",
    codeSizeBytes: 0,
    hasStartCommand: true,
    caPort: 9000,
    timeout: 60,
    lastModifiedAt: 0,
    ...change,
  };
}

test("progressOf is ready where nothing serves yet: the first call starts the new revision", () => {
  assert.deepEqual(progressOf(info({})), { state: "ready" });
});

test("progressOf waits while the old revision serves, also before the new one is known to start", () => {
  assert.equal(progressOf(info({ servingRevisionId: OLD })).state, "waiting");
  const next = { revisionId: NEW, state: "starting" } as const;
  assert.equal(progressOf(info({ servingRevisionId: OLD, next })).state, "waiting");
});

test("progressOf is ready once the new revision serves", () => {
  assert.equal(progressOf(info({ servingRevisionId: NEW })).state, "ready");
});

test("progressOf fails with the reason of the new revision, not with that of one before it", () => {
  const failed = { state: "failed", reason: "it exited" } as const;
  assert.deepEqual(progressOf(info({ servingRevisionId: OLD, next: { ...failed, revisionId: NEW } })), failed);
  const before = { ...failed, revisionId: "between" as RevisionId };
  assert.equal(progressOf(info({ servingRevisionId: OLD, next: before })).state, "waiting");
});
