import assert from "node:assert/strict";
import { test } from "node:test";
import { credentials, withControl } from "../control/testing/control-under-test.ts";
import { runDemo } from "./demo.ts";

test("runDemo leaves the demo alone where the key of credentials.json is disabled, so that Sluice starts", () =>
  withControl(async ({ url, store }) => {
    const endpoint = { apiUrl: url, caFile: "/none" } as Parameters<typeof runDemo>[0];
    await runDemo(endpoint, { ...credentials, accessKeyId: "disabled" });
    assert.equal(await store.currentChange(), 0);
    await assert.rejects(runDemo(endpoint, { ...credentials, accessKeySecret: "another" }), {
      code: "SignatureNotMatch",
    });
  }));
