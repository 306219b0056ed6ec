/** What calls and the API notice of a store that has no room, and of a control plane that dies. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { eventually, runCommand, Sluice } from "../support/sluice.ts";

const support = join(import.meta.dirname, "../support");

describe("faults of the store and the control plane", { skip: goMissing }, () => {
  test("a full disk: calls and reads go on, writes are refused in words, and work again once there is space", async () => {
    await testPrograms();
    const folder = mkdtempSync(join(tmpdir(), "sluice-full-disk-"));
    try {
      const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
      const program = [process.execPath, join(support, "full-disk-main.ts"), folder];
      const { code, stdout, stderr } = await runCommand("unshare", [...asRoot, "--mount", "--", ...program]);
      assert.equal(code, 0, stdout + stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a control plane that dies: calls go on, those of meanwhile are billed, and the next one takes changes", async () => {
    const trigger = join(mkdtempSync(join(tmpdir(), "sluice-worker-")), "end");
    const env = {
      ...process.env,
      NODE_OPTIONS: `--import=${join(support, "end-worker.ts")}`,
      SLUICE_TEST_END_WORKER: trigger,
    };
    await using sluice = await Sluice.start({ env });
    const { go } = await testPrograms();
    const echo = (more: object) => ({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 100, customRuntimeConfig: { command: ["./echo"] }, ...more },
    });
    const info = await sluice.deploy(echo({}));
    await runJob(sluice, info, {});
    const load = runJob(sluice, info, { durationMs: 7000, workers: 10, ratePerSecond: 100 });
    const stream = runJob(sluice, info, {
      kind: "serverStream",
      metadata: { "x-repeat": "60", "x-interval-ms": "100" },
    });
    for (let death = 0; death < 2; death += 1) {
      await sleep(500);
      writeFileSync(trigger, "");
      const apiUrl = `${sluice.endpoint.apiUrl}/metrics`;
      await eventually("the control plane is gone", () =>
        fetch(apiUrl).then(
          () => false,
          () => true,
        ),
      );
      await eventually("the next one answers", () =>
        fetch(apiUrl).then(
          () => true,
          () => false,
        ),
      );
    }
    await sluice.deploy(echo({ environmentVariables: { AFTER: "it" } }));
    const report = await load;
    assert.deepEqual(Object.keys(report.codes), ["OK"], JSON.stringify(report.errors));
    assert.deepEqual((await stream).codes, { OK: 1 });
    const after = await sluice.info("test", "echo");
    assert.equal(after.revisionId, after.servingRevisionId);
    await eventually("every call is billed", async () => {
      const { usage } = JSON.parse(await sluice.ok(["bill", "--json"])) as { usage: { calls: number }[] };
      return usage.reduce((sum, row) => sum + row.calls, 0) === report.calls + 2;
    });
  });
});
