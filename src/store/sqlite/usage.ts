import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { FunctionKey, UsageRecord, UsageTotal } from "../../model/model.ts";
import { inTransaction } from "./database.ts";

const HOUR_MS = 3_600_000;
/** Single records are kept for looking into a bill; the oldest go first. Totals by the hour stay for good. */
const RECORD_COUNT_MAX = 1_000_000;

const RECORD_COLUMNS = "account, instance, function, revision, memory_mb, start_ms, end_ms, calls, started_at";

/**
 * Records that only the other has count; of sums the greater one, for what was pruned of its records. WHERE true: without
 * it SQLite would take ON for a join's (its page "UPSERT").
 */
const TAKE_USAGE = `
  INSERT INTO usage_total
    SELECT account, function, memory_mb, started_at / ${HOUR_MS} * ${HOUR_MS}, sum(calls), sum(end_ms - start_ms),
           min(started_at), max(started_at)
    FROM other.usage_record AS theirs
    WHERE NOT EXISTS (
      SELECT 1 FROM main.usage_record AS ours
      WHERE ours.account = theirs.account AND ours.instance = theirs.instance AND ours.start_ms = theirs.start_ms
    )
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, busy_ms = busy_ms + excluded.busy_ms,
      first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at);
  INSERT INTO usage_record (${RECORD_COLUMNS}) SELECT ${RECORD_COLUMNS} FROM other.usage_record WHERE true
    ON CONFLICT DO NOTHING;
  INSERT INTO usage_total SELECT * FROM other.usage_total WHERE true
    ON CONFLICT DO UPDATE SET calls = max(calls, excluded.calls), busy_ms = max(busy_ms, excluded.busy_ms),
      first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at);
`;

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

  /** Takes in what another database has. Records are known by instance and start. */
  takeFrom(file: string): void {
    this.#db.prepare("ATTACH ? AS other").run(file);
    try {
      inTransaction(this.#db, () => this.#db.exec(TAKE_USAGE));
    } finally {
      this.#db.exec("DETACH other");
    }
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
