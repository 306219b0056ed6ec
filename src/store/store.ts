/**
 * Front door of src/store: where resources and usage are kept. The interface is small enough for PostgreSQL to
 * implement it later; testing/store-contract.ts holds for every implementation.
 */
import type { UsageRecord, UsageTotal } from "../model/model.ts";

export { StoreError, type StoreErrorCode } from "../model/model.ts";
export { MIGRATIONS } from "./sqlite/database.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite/sqlite-store.ts";

/** The kinds of documents. */
export const DOCUMENT_KINDS = [
  "service",
  "function",
  "trigger",
  "customDomain",
  "version",
  "versionFunction",
  "versionCounter",
  "alias",
  "onDemandConfig",
  "provisionConfig",
  "accessKey",
  "resourceTags",
] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** Names one document. Every key carries its account. */
export interface DocumentId {
  readonly accountId: string;
  readonly kind: DocumentKind;
  /** Path of names, parents first: `service/function/trigger`. */
  readonly key: string;
}

/** A document as stored. */
export interface StoredDocument extends DocumentId {
  /** Plain JSON. */
  readonly value: unknown;
  /** 32 hex digits that change with every write. */
  readonly etag: string;
  /** Number of the commit that wrote it. */
  readonly change: number;
}

/** A document that is gone, as `changesSince` tells it. */
export interface DeletedDocument extends DocumentId {
  readonly deleted: true;
  readonly change: number;
}

export type Change =
  | (DocumentId & { readonly type: "put"; readonly value: unknown })
  | (DocumentId & { readonly type: "delete" });

/** What a commit takes for granted about a document: this ETag, or `absent`. */
export interface Expectation extends DocumentId {
  readonly etag: string | "absent";
}

export interface CommitResult {
  /** Number of this commit: one more than the one before, over all accounts. */
  readonly change: number;
  /** ETags of the documents put, in the order of the changes (deletes have none and are left out). */
  readonly etags: readonly string[];
}

export interface ListOptions {
  /** Only keys that begin with it. */
  readonly prefix?: string;
  /** Only keys at or after it, in the order of their UTF-8 bytes. */
  readonly startKey?: string;
  /** Most documents to return. Default: all. */
  readonly limit?: number;
}

export interface Store {
  get(id: DocumentId): Promise<StoredDocument | undefined>;
  /** Documents of a kind in the order of their keys' UTF-8 bytes. */
  list(accountId: string, kind: DocumentKind, options?: ListOptions): Promise<StoredDocument[]>;
  /** Number of the last commit; 0 before the first. */
  currentChange(): Promise<number>;
  /** What stands or fell after commit `change`, oldest first, of all accounts. A document is told once, as it is now. */
  changesSince(change: number): Promise<(StoredDocument | DeletedDocument)[]>;
  /**
   * The only write of documents: all changes or none, durable when it resolves. Rejects with a StoreError `conflict`
   * when an expectation does not hold, `full` when there is no room. At least one change; each document at most once.
   */
  commit(changes: readonly Change[], expected: readonly Expectation[]): Promise<CommitResult>;
  /** Adds usage, durable when it resolves. A record that is there already (same instance and start) is not counted twice. */
  appendUsage(accountId: string, records: readonly UsageRecord[]): Promise<void>;
  /** Sums per function and memory size, over stretches that began in the hour of `sinceAt` (epoch ms) or later. */
  usageTotals(accountId: string, sinceAt?: number): Promise<UsageTotal[]>;
  /**
   * Writes a copy as of one moment into a new file, which `openSqliteStore` opens; reads and writes go on meanwhile.
   * Rejects with a StoreError `full` where the file's disk has no room.
   */
  copyTo(file: string): Promise<void>;
  /** Adds the usage of the store in another file, which may be open; what both have is counted once. */
  takeUsageOf(file: string): Promise<void>;
  /** Idempotent. Every other method rejects afterwards. */
  close(): Promise<void>;
}
