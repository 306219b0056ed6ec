import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MIGRATIONS, openDatabase } from "./database.ts";

const SIZE_MAX_BYTES = 1024 ** 3;

async function withFile(work: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-database-"));
  try {
    await work(join(folder, "state.db"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A step that a later version may bring: a column, and documents changed. */
const STEP = `
  ALTER TABLE usage_record ADD COLUMN region TEXT NOT NULL DEFAULT 'local';
  UPDATE document SET value = json_set(value, '$.added', 1) WHERE kind = 'service' AND value IS NOT NULL;
`;
const BROKEN = "CREATE TABLE half (a); INSERT INTO no_such_table VALUES (1);";

test("openDatabase: steps that a database lacks are done once, with their documents, and earlier ones never again", () =>
  withFile(async (file) => {
    const first = openDatabase(file, SIZE_MAX_BYTES);
    first.exec("INSERT INTO document VALUES ('1', 'service', 's', 'e', 1, '{}')");
    first.close();
    for (let opening = 0; opening < 2; opening += 1) {
      const later = openDatabase(file, SIZE_MAX_BYTES, [...MIGRATIONS, STEP]);
      assert.equal(later.prepare("PRAGMA user_version").get()?.["user_version"], MIGRATIONS.length + 1);
      assert.equal(later.prepare("SELECT value FROM document").get()?.["value"], '{"added":1}');
      assert.equal(later.prepare("SELECT region FROM usage_record").all().length, 0);
      later.close();
    }
    assert.throws(() => openDatabase(file, SIZE_MAX_BYTES), { code: "newer" });
  }));

test("openDatabase: a step that fails leaves nothing of itself; what was before is opened as before", () =>
  withFile(async (file) => {
    openDatabase(file, SIZE_MAX_BYTES).close();
    const before = await readFile(file);
    assert.throws(() => openDatabase(file, SIZE_MAX_BYTES, [...MIGRATIONS, BROKEN]), { message: /no_such_table/ });
    assert.deepEqual(await readFile(file), before);
    const again = openDatabase(file, SIZE_MAX_BYTES);
    assert.equal(
      again.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'half'").get()?.["tables"],
      0,
    );
    again.close();
  }));

test("openDatabase: from nothing all steps are done, however many there are", () =>
  withFile(async (file) => {
    const db = openDatabase(file, SIZE_MAX_BYTES, [...MIGRATIONS, STEP, "CREATE TABLE more (a)"]);
    assert.equal(db.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'more'").get()?.["tables"], 1);
    db.close();
  }));
