import { createHash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreError } from "../../model/model.ts";
import type {
  Change,
  CommitResult,
  DeletedDocument,
  DocumentId,
  DocumentKind,
  Expectation,
  ListOptions,
  StoredDocument,
} from "../store.ts";
import { inTransaction } from "./database.ts";

type Row = Record<string, unknown>;

/** Sorts after every key that begins with a prefix: the last code point of Unicode. */
const AFTER_ALL = "\u{10FFFF}";

/** The documents in their table. Synchronous: the store wraps it. */
export class DocumentTable {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #since: StatementSync;
  readonly #put: StatementSync;
  readonly #current: StatementSync;
  readonly #advance: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#get = db.prepare("SELECT * FROM document WHERE account = ? AND kind = ? AND key = ? AND value IS NOT NULL");
    this.#list = db.prepare(
      `SELECT * FROM document WHERE account = ? AND kind = ? AND key >= ? AND key < ? AND value IS NOT NULL
       ORDER BY key LIMIT ?`,
    );
    this.#since = db.prepare("SELECT * FROM document WHERE change > ? ORDER BY change, account, kind, key");
    this.#put = db.prepare(
      `INSERT INTO document (account, kind, key, etag, change, value) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET etag = excluded.etag, change = excluded.change, value = excluded.value`,
    );
    this.#current = db.prepare("SELECT number FROM counter WHERE name = 'change'");
    this.#advance = db.prepare("UPDATE counter SET number = number + 1 WHERE name = 'change' RETURNING number");
  }

  get(id: DocumentId): StoredDocument | undefined {
    const row = this.#get.get(id.accountId, id.kind, id.key);
    return row === undefined ? undefined : stored(row);
  }

  list(accountId: string, kind: DocumentKind, options: ListOptions): StoredDocument[] {
    const prefix = options.prefix ?? "";
    const from = options.startKey !== undefined && bytesAfter(options.startKey, prefix) ? options.startKey : prefix;
    return this.#list.all(accountId, kind, from, prefix + AFTER_ALL, options.limit ?? -1).map(stored);
  }

  current(): number {
    return Number(this.#current.get()?.["number"]);
  }

  changesSince(change: number): (StoredDocument | DeletedDocument)[] {
    return this.#since
      .all(change)
      .map((row) =>
        row["value"] === null ? { ...identity(row), deleted: true, change: Number(row["change"]) } : stored(row),
      );
  }

  commit(changes: readonly Change[], expected: readonly Expectation[]): CommitResult {
    refuseMisuse(changes);
    return inTransaction(this.#db, () => {
      for (const expectation of expected) {
        const found = this.get(expectation)?.etag ?? "absent";
        if (found === expectation.etag) continue;
        throw new StoreError(
          "conflict",
          `The ${expectation.kind} '${expectation.key}' has been changed meanwhile: read it again`,
        );
      }
      const change = Number(this.#advance.get()?.["number"]);
      const etags: string[] = [];
      for (const each of changes) {
        const value = each.type === "put" ? JSON.stringify(each.value) : null;
        const etag = value === null ? "" : etagOf(change, value);
        this.#put.run(each.accountId, each.kind, each.key, etag, change, value);
        if (value !== null) etags.push(etag);
      }
      return { change, etags };
    });
  }
}

function refuseMisuse(changes: readonly Change[]): void {
  if (changes.length === 0) throw new TypeError("Cannot commit no change");
  const ids = new Set(changes.map((change) => JSON.stringify([change.accountId, change.kind, change.key])));
  if (ids.size !== changes.length) throw new TypeError("Cannot commit two changes of one document");
}

/** The change number makes it new at every write, also where the content is what it was before. */
function etagOf(change: number, value: string): string {
  return createHash("sha256").update(`${change}\n`).update(value).digest("hex").slice(0, 32);
}

/** SQLite compares text by its UTF-8 bytes; JavaScript's `>` would compare UTF-16 units. */
function bytesAfter(left: string, right: string): boolean {
  return Buffer.compare(Buffer.from(left), Buffer.from(right)) > 0;
}

function identity(row: Row): DocumentId {
  return { accountId: String(row["account"]), kind: row["kind"] as DocumentKind, key: String(row["key"]) };
}

function stored(row: Row): StoredDocument {
  // Written out: a start makes one of every document.
  return {
    accountId: row["account"] as string,
    kind: row["kind"] as DocumentKind,
    key: row["key"] as string,
    value: JSON.parse(row["value"] as string),
    etag: row["etag"] as string,
    change: row["change"] as number,
  };
}
