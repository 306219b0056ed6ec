import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../model/model.ts";

/** Written into every database file ("SLUC"), so that another program's file is not taken for ours. */
const APPLICATION_ID = 0x534c5543;
const PAGE_SIZE_BYTES = 4096;

/** Result codes of SQLite (sqlite.org/rescode.html); extended ones carry the primary one in their low byte. */
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** The tables of the first version. It stays as it is: later ones are steps from it. */
const TABLES = `
  CREATE TABLE counter (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counter VALUES ('change', 0);

  -- A deleted document stays as a row without value, so that changesSince can tell of it.
  CREATE TABLE document (
    account TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    etag TEXT NOT NULL, change INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (account, kind, key)
  ) WITHOUT ROWID;
  CREATE INDEX document_change ON document (change);

  CREATE TABLE usage_record (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, instance TEXT NOT NULL, function TEXT NOT NULL,
    revision TEXT NOT NULL, memory_mb INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    calls INTEGER NOT NULL, started_at INTEGER NOT NULL,
    UNIQUE (account, instance, start_ms)
  );
  CREATE TABLE usage_total (
    account TEXT NOT NULL, function TEXT NOT NULL, memory_mb INTEGER NOT NULL, hour_at INTEGER NOT NULL,
    calls INTEGER NOT NULL, busy_ms INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (account, function, memory_mb, hour_at)
  ) WITHOUT ROWID;
`;

/**
 * The way from each version of the tables to the next, the first from nothing: SQL that may also change documents. A
 * database says its version; what it lacks of these is done when it is opened. A step that was released is never changed.
 */
export const MIGRATIONS: readonly string[] = [TABLES];

/**
 * Opens or makes the database file, checks it, and brings it to the last version of `migrations`. A commit is on disk when
 * it returns (synchronous=FULL flushes the write-ahead log at each). Throws a StoreError that names the file; nothing in a
 * file that is refused is changed, and a step of the migration that fails leaves the version before it.
 */
export function openDatabase(file: string, sizeMaxBytes: number, migrations = MIGRATIONS): DatabaseSync {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw new StoreError(
      "unusable",
      `Cannot open the database ${file}: ${describe(error)}. Check the path and its permissions`,
      {
        cause: error,
      },
    );
  }
  try {
    refuseForeign(db, file, migrations.length);
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;");
    db.exec(`PRAGMA max_page_count = ${Math.ceil(sizeMaxBytes / PAGE_SIZE_BYTES)}`);
    migrate(db, migrations);
    return db;
  } catch (error) {
    db.close();
    throw translated(error, file);
  }
}

/** Each step with its version number in one transaction. */
function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  for (let version = pragma(db, "user_version"); version < migrations.length; version += 1) {
    const marks = `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1};`;
    inTransaction(db, () => db.exec(`${migrations[version]}; ${marks}`));
  }
}

/** Runs `work` as one transaction: all of it or nothing. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite ends the transaction itself after some errors, a full disk among them.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** What SQLite threw, as a StoreError; other errors as they are. */
export function translated(error: unknown, file: string): unknown {
  const code = resultCode(error);
  if (code === undefined) return error;
  if (code === SQLITE_FULL) {
    const message = `The database ${file} has no room left: nothing was written. Free space on its disk and try again`;
    return new StoreError("full", message, { cause: error });
  }
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return corrupt(file, describe(error), error);
  const message = `The database ${file} cannot be used: ${describe(error)}. Check its disk, its permissions and that no other program holds it`;
  return new StoreError("unusable", message, { cause: error });
}

function refuseForeign(db: DatabaseSync, file: string, versionKnown: number): void {
  const version = pragma(db, "user_version");
  if (version === 0 && pragma(db, "schema_version") === 0) return;
  if (pragma(db, "application_id") !== APPLICATION_ID) throw corrupt(file, "it is not a database of Sluice");
  if (version > versionKnown) {
    throw new StoreError(
      "newer",
      `The database ${file} was written by a newer Sluice (format ${version}, this one knows ${versionKnown}). Start that version, or restore a backup made by this one`,
    );
  }
  const rows = db.prepare("PRAGMA quick_check(1)").all();
  const verdict = String(rows[0]?.["quick_check"]);
  if (verdict !== "ok") throw corrupt(file, verdict);
}

function corrupt(file: string, finding: string, cause?: unknown): StoreError {
  const message = `The database ${file} is damaged (${finding.replaceAll("\n", " ")}). Restore a backup, or move the file away to start empty`;
  return new StoreError("corrupt", message, { cause });
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
