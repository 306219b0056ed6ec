import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { FunctionKey, UsageRecord, UsageTotal } from "../../model/model.ts";
import { inTransaction } from "./database.ts";

const HOUR_MS = 3_600_000;
/** Single records are kept for looking into a bill; the oldest go first. Totals by the hour stay for good. */
const RECORD_COUNT_MAX = 1_000_000;

/** Usage in its tables: single records, and totals by the hour that are kept in step within the same transaction. */
export class UsageTable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #add: StatementSync;
  readonly #prune: StatementSync;
  readonly #totals: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare(
      `INSERT INTO usage_record
         (account, instance, function, revision, memory_mb, start_ms, end_ms, calls, started_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, instance, start_ms) DO NOTHING`,
    );
    this.#add = db.prepare(
      `INSERT INTO usage_total (account, function, memory_mb, hour_at, calls, busy_ms, first_at, last_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, busy_ms = busy_ms + excluded.busy_ms,
         first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`,
    );
    this.#prune = db.prepare("DELETE FROM usage_record WHERE number <= (SELECT max(number) FROM usage_record) - ?");
    this.#totals = db.prepare(
      `SELECT function, memory_mb, sum(calls) AS calls, sum(busy_ms) AS busy_ms,
              min(first_at) AS first_at, max(last_at) AS last_at
       FROM usage_total WHERE account = ? AND hour_at >= ?
       GROUP BY function, memory_mb ORDER BY function, memory_mb`,
    );
  }

  append(accountId: string, records: readonly UsageRecord[]): void {
    inTransaction(this.#db, () => {
      for (const record of records) this.#appendOne(accountId, record);
      this.#prune.run(RECORD_COUNT_MAX);
    });
  }

  #appendOne(accountId: string, record: UsageRecord): void {
    const { startMs, endMs, memoryMb, calls, startedAt } = record;
    const inserted = this.#insert.run(
      accountId,
      record.instanceId,
      record.function,
      record.revisionId,
      memoryMb,
      startMs,
      endMs,
      calls,
      startedAt,
    );
    if (inserted.changes === 0) return;
    this.#add.run(
      accountId,
      record.function,
      memoryMb,
      hourOf(startedAt),
      calls,
      endMs - startMs,
      startedAt,
      startedAt,
    );
  }

  totals(accountId: string, sinceAt: number): UsageTotal[] {
    return this.#totals.all(accountId, hourOf(sinceAt)).map((row) => ({
      function: String(row["function"]) as FunctionKey,
      memoryMb: Number(row["memory_mb"]),
      calls: Number(row["calls"]),
      busyMs: Number(row["busy_ms"]),
      firstAt: Number(row["first_at"]),
      lastAt: Number(row["last_at"]),
    }));
  }
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}
