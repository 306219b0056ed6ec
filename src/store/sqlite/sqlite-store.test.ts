import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openSqliteStore } from "../store.ts";
import { describeStore } from "../testing/store-contract.ts";

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-store-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describeStore("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-store-"));
  return {
    open: () => openSqliteStore({ file: join(folder, "state.db") }),
    remove: () => rm(folder, { recursive: true }),
  };
});

test("openSqliteStore: a database of a newer Sluice is refused with what to do, and not changed", () =>
  withFolder(async (folder) => {
    const file = join(folder, "state.db");
    await (await openSqliteStore({ file })).close();
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 99");
    db.close();
    const before = await readFile(file);
    await assert.rejects(openSqliteStore({ file }), (error: Error & { code: string }) => {
      assert.equal(error.code, "newer");
      assert.match(error.message, /state\.db was written by a newer Sluice \(format 99, .*Start that version/);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    assert.deepEqual(await readFile(file), before);
  }));

test("openSqliteStore: a smashed page is found at the start and refused in one line", () =>
  withFolder(async (folder) => {
    const file = join(folder, "state.db");
    const store = await openSqliteStore({ file });
    const value = "x".repeat(3000);
    for (let i = 0; i < 50; i += 1) {
      await store.commit([{ type: "put", accountId: "1", kind: "service", key: `s${i}`, value }], []);
    }
    await store.close();
    const handle = await open(file, "r+");
    for (let page = 5; page < 30; page += 1) await handle.write(Buffer.alloc(2000, 0xa5), 0, 2000, page * 4096);
    await handle.close();
    await assert.rejects(openSqliteStore({ file }), (error: Error & { code: string }) => {
      assert.equal(error.code, "corrupt");
      assert.match(error.message, /^The database .*state\.db is damaged \(.*\)\. Restore a backup/);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }));

test("openSqliteStore: a file that is no database, or of another program, is refused and left alone", () =>
  withFolder(async (folder) => {
    const text = join(folder, "text.db");
    await writeFile(text, "not a database".repeat(100));
    await assert.rejects(openSqliteStore({ file: text }), { code: "corrupt" });
    assert.equal(await readFile(text, "utf8"), "not a database".repeat(100));
    const foreign = join(folder, "foreign.db");
    const db = new DatabaseSync(foreign);
    db.exec("CREATE TABLE theirs (a)");
    db.close();
    await assert.rejects(openSqliteStore({ file: foreign }), { code: "corrupt", message: /not a database of Sluice/ });
  }));

test("openSqliteStore: a folder that does not exist is named", () =>
  assert.rejects(openSqliteStore({ file: join(tmpdir(), "no-such-folder", "state.db") }), {
    code: "unusable",
    message: /no-such-folder.*Check the path/,
  }));

test("SqliteStore.commit: without room it says so, keeps what it had, and works again once there is room", () =>
  withFolder(async (folder) => {
    const file = join(folder, "state.db");
    const store = await openSqliteStore({ file, sizeMaxBytes: 64 * 4096 });
    const value = "x".repeat(20_000);
    const key = (i: number) => ({ accountId: "1", kind: "service" as const, key: `s${i}` });
    let acknowledged = 0;
    await assert.rejects(
      async () => {
        for (; acknowledged < 1000; acknowledged += 1) {
          await store.commit([{ type: "put", ...key(acknowledged), value }], []);
        }
      },
      { code: "full", message: /no room left: nothing was written\. Free space/ },
    );
    assert.ok(acknowledged > 2);
    assert.equal(await store.currentChange(), acknowledged);
    assert.equal((await store.list("1", "service")).length, acknowledged);
    await store.commit([{ type: "delete", ...key(0) }], []);
    await store.commit([{ type: "put", ...key(2000), value }], []);
    await store.close();
    const again = await openSqliteStore({ file });
    assert.equal((await again.get(key(2000)))?.value, value);
    await again.close();
  }));

test("SqliteStore: what was acknowledged before kill -9 is there afterwards, usage too", () =>
  withFolder(async (folder) => {
    const file = join(folder, "state.db");
    const program = join(import.meta.dirname, "../testing/commit-forever.ts");
    for (const acknowledgedBefore of [1, 40]) {
      await rm(file, { force: true });
      const child = spawn(process.execPath, [program, file], { stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      for await (const chunk of child.stdout) {
        said += String(chunk);
        if (said.split("\n").length > acknowledgedBefore) child.kill("SIGKILL");
      }
      if (child.signalCode === null) await once(child, "exit");
      assert.equal(child.signalCode, "SIGKILL");
      const last = Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
      assert.ok(last >= acknowledgedBefore);
      const store = await openSqliteStore({ file });
      const numbers = (await store.list("1", "service")).map((document) => (document.value as { i: number }).i);
      assert.ok(numbers.length >= last && numbers.length <= last + 1, `${numbers.length} stored, ${last} acknowledged`);
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b).slice(0, last),
        Array.from({ length: last }, (_, i) => i + 1),
      );
      assert.ok(((await store.usageTotals("1"))[0]?.calls ?? 0) >= last);
      await store.close();
      await Promise.all(["-wal", "-shm"].map((suffix) => rm(file + suffix, { force: true })));
    }
  }));
