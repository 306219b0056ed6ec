import { open } from "node:fs/promises";
import { backup, type DatabaseSync } from "node:sqlite";
import type { UsageRecord, UsageTotal } from "../../model/model.ts";
import { StoreError } from "../../model/model.ts";
import type {
  Change,
  CommitResult,
  DeletedDocument,
  DocumentId,
  DocumentKind,
  Expectation,
  ListOptions,
  Store,
  StoredDocument,
} from "../store.ts";
import { openDatabase, translated } from "./database.ts";
import { DocumentTable } from "./documents.ts";
import { UsageTable } from "./usage.ts";

export interface SqliteStoreOptions {
  /** Path of the database file; made when absent. Its folder must exist. */
  readonly file: string;
  /** Largest size of the database; beyond it writes fail as on a full disk. Default 64 GiB. */
  readonly sizeMaxBytes?: number;
}

const SIZE_MAX_BYTES = 64 * 1024 ** 3;

/** Pages that a copy takes in one step (4 MiB); between steps the store is free. */
const COPY_PAGES_AT_ONCE = 1024;

/** Opens the store, makes it when absent, checks it. Rejects with a StoreError `newer`, `corrupt` or `unusable`. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const db = openDatabase(options.file, options.sizeMaxBytes ?? SIZE_MAX_BYTES);
  return new SqliteStore(db, options.file);
}

/** The store in one file. SQLite answers at once (a durable commit takes under a millisecond on an SSD). */
class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #documents: DocumentTable;
  readonly #usage: UsageTable;

  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
    this.#documents = new DocumentTable(db);
    this.#usage = new UsageTable(db);
  }

  async get(id: DocumentId): Promise<StoredDocument | undefined> {
    return this.#run(() => this.#documents.get(id));
  }

  async list(accountId: string, kind: DocumentKind, options: ListOptions = {}): Promise<StoredDocument[]> {
    return this.#run(() => this.#documents.list(accountId, kind, options));
  }

  async currentChange(): Promise<number> {
    return this.#run(() => this.#documents.current());
  }

  async changesSince(change: number): Promise<(StoredDocument | DeletedDocument)[]> {
    return this.#run(() => this.#documents.changesSince(change));
  }

  async commit(changes: readonly Change[], expected: readonly Expectation[]): Promise<CommitResult> {
    return this.#run(() => this.#documents.commit(changes, expected));
  }

  async appendUsage(accountId: string, records: readonly UsageRecord[]): Promise<void> {
    this.#run(() => this.#usage.append(accountId, records));
  }

  async usageTotals(accountId: string, sinceAt = 0): Promise<UsageTotal[]> {
    return this.#run(() => this.#usage.totals(accountId, sinceAt));
  }

  async copyTo(file: string): Promise<void> {
    if (!this.#db.isOpen) throw new StoreError("closed", "The store is closed");
    try {
      await backup(this.#db, file, { rate: COPY_PAGES_AT_ONCE });
      await flushFile(file);
    } catch (error) {
      throw translated(error, file);
    }
  }

  async takeUsageOf(file: string): Promise<void> {
    this.#run(() => this.#usage.takeFrom(file));
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  #run<T>(work: () => T): T {
    if (!this.#db.isOpen) throw new StoreError("closed", "The store is closed");
    try {
      return work();
    } catch (error) {
      throw translated(error, this.#file);
    }
  }
}

async function flushFile(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}
