/** Backups of a running Sluice, and restores: into the running one, into a new data directory, over a damaged one. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { runCommand, Sluice } from "../support/sluice.ts";

describe("backup and restore", { skip: goMissing }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-backups-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const echo = async (name: string) => ({
    name,
    codeUri: folderOf((await testPrograms()).go.echo),
    function: { instanceConcurrency: 100, customRuntimeConfig: { command: ["./echo"] } },
  });

  test("calls in flight go on while a backup takes the place of what is there; then the restored function answers", async () => {
    const file = join(folder, "one.zip");
    {
      await using sluice = await Sluice.start({ dataDir: join(folder, "data") });
      const info = await sluice.deploy(await echo("kept"));
      await sluice.deploy(await echo("gone"));
      await runJob(sluice, info, { calls: 3 });
      assert.match(await sluice.ok(["backup", file]), /^Wrote .*one\.zip \(\d+ bytes\)/);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const again = await sluice.cli(["backup", file]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /^sluice: .*one\.zip is there already: .*\n$/);

      await sluice.ok(["remove", "test", "-y"]);
      const later = await sluice.deploy(await echo("later"));
      const stream = runJob(sluice, later, {
        kind: "serverStream",
        metadata: { "x-repeat": "60", "x-interval-ms": "100" },
      });
      const load = runJob(sluice, later, { durationMs: 4000, workers: 5, ratePerSecond: 50 });
      await runJob(sluice, later, {});
      const unasked = await sluice.cli(["restore", file]);
      assert.equal(unasked.code, 2);
      assert.match(unasked.stderr, /^sluice: this would replace everything in http:.*say -y.*\n$/);
      const answer = JSON.parse(await sluice.ok(["restore", file, "-y", "--json"]));
      assert.deepEqual([answer.services, answer.functions], [1, 2]);
      const names = (await sluice.infos()).map(({ functionName }) => functionName).sort();
      assert.deepEqual(names, ["gone", "kept"]);
      const restored = await sluice.info("test", "kept");
      assert.equal(restored.host, info.host);
      assert.deepEqual((await runJob(sluice, restored, { calls: 5 })).codes, { OK: 5 });
      assert.deepEqual((await stream).codes, { OK: 1 }, "a call of before ended as it should");
      // From the restore on there is no such function, which new calls are told.
      const { codes } = await load;
      assert.deepEqual(
        Object.keys(codes).filter((code) => code !== "OK" && code !== "UNIMPLEMENTED"),
        [],
      );
      assert.ok((codes["OK"] ?? 0) > 0);
      const bill = JSON.parse(await sluice.ok(["bill", "--json"])).usage as { function: string; calls: number }[];
      assert.equal(bill.find((row) => row.function === "test/kept")?.calls, 8);
      assert.ok(
        (bill.find((row) => row.function === "test/later")?.calls ?? 0) > 0,
        "what was used since stays billed",
      );
      assert.deepEqual(
        readdirSync(sluice.dataDir).filter((name) => /^(backup-|restore)/.test(name)),
        [],
      );
      const damaged = join(folder, "damaged.zip");
      writeFileSync(damaged, "no zip");
      const refused = await sluice.cli(["restore", damaged, "-y"]);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /^sluice: The backup cannot be used: .*Nothing was changed \(InvalidArgument, .*\)\n$/,
      );
      assert.deepEqual((await runJob(sluice, restored, { calls: 5 })).codes, { OK: 5 });
    }

    // A new machine: an empty data directory, no Sluice running.
    const dataDir = join(folder, "new");
    const launcher = join(import.meta.dirname, "../../bin/sluice.js");
    const restore = (path: string) =>
      runCommand(process.execPath, [launcher, "restore", path, "--data", dataDir, "-y"]);
    const failed = await restore(join(folder, "damaged.zip"));
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^sluice: The backup cannot be used: [^\n]*\n$/);
    assert.equal((await restore(file)).code, 0);
    {
      await using sluice = await Sluice.start({ dataDir });
      const info = await sluice.info("test", "kept");
      assert.deepEqual((await runJob(sluice, info, { calls: 5 })).codes, { OK: 5 });
      const inUse = await runCommand(process.execPath, [launcher, "restore", file, "--data", dataDir], {
        env: { ...process.env, SLUICE_ENDPOINT: "" },
      });
      assert.equal(inUse.code, 2, "it is running, and nobody can be asked");
    }

    // The database is damaged: the start says what to do, and that works.
    writeFileSync(join(dataDir, "sluice.db"), "x".repeat(10_000));
    await assert.rejects(Sluice.start({ dataDir }), /sluice: The database .*sluice\.db is damaged .*Restore a backup/);
    assert.equal((await restore(file)).code, 0);
    await using sluice = await Sluice.start({ dataDir });
    assert.equal((await sluice.infos()).length, 2);
  });
});
