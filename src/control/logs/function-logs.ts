/**
 * The logs of all functions, as JSON Lines: `<dir>/<service>/<function>.log` holds what the function and the platform
 * wrote, `<function>.calls` the calls that the function ended, so that many calls do not push its words out.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Logger } from "../../base/base.ts";
import { type EndedCalls, type FunctionKey, functionKey, type LogRecord, parseLogLine } from "../../model/model.ts";
import { LiveLines } from "./live-lines.ts";
import { LOG_LIMITS, LogFile, type LogLimits } from "./log-file.ts";
import { mergedPast } from "./past-lines.ts";

/** Which lines are asked for. */
export interface LogQuery {
  /** Absent: of all functions. */
  readonly function?: FunctionKey;
  readonly requestId?: string;
  /** Epoch ms: only lines at or after it. */
  readonly sinceAt?: number;
  /** Go on with new lines until `close`. */
  readonly follow: boolean;
}

/** Lines of a query, oldest first. */
export interface LogReader {
  /** The next record; undefined at the end. */
  next(): Promise<LogRecord | undefined>;
  /** Frees what it holds; `next` then ends. Idempotent. */
  close(): void;
}

/** A function's two files. */
interface FunctionFiles {
  readonly words: LogFile;
  readonly calls: LogFile;
}

/** Time between two warnings about dropped lines. */
const WARNING_INTERVAL_MS = 60_000;

export class FunctionLogs {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: LogLimits;
  readonly #files = new Map<FunctionKey, FunctionFiles>();
  /** Readers that follow all functions, also those whose first line is still to come. */
  readonly #followers = new Set<LiveLines>();
  #droppedCount = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(dir: string, clock: Clock, logger: Logger, limits: LogLimits = LOG_LIMITS) {
    this.#dir = dir;
    this.#clock = clock;
    this.#logger = logger;
    this.#limits = limits;
  }

  /** Lines that could not be written since the start. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  add(lines: readonly LogRecord[], calls: readonly EndedCalls[]): void {
    for (const line of lines) this.#filesOf(line.function).words.append(`${JSON.stringify(line)}\n`, 1);
    for (const { function: key, lines, count } of calls) {
      this.#filesOf(key).calls.append(
        Buffer.from(lines.buffer, lines.byteOffset, lines.length).toString("utf8"),
        count,
      );
    }
  }

  async read(query: LogQuery): Promise<LogReader> {
    const live = new LiveLines();
    const keys = query.function === undefined ? await this.#known() : [query.function];
    const files = keys.flatMap((key) => Object.values(this.#filesOf(key)));
    // No await since the files were looked up: those that come later attach this reader themselves.
    if (query.function === undefined && query.follow) this.#followers.add(live);
    const close = () => {
      this.#followers.delete(live);
      live.end();
      for (const file of this.#allFiles()) file.detach(live.add);
    };
    try {
      const pasts = await Promise.all(files.map((file) => file.attach(live.add)));
      if (!query.follow) close();
      const records = selected(mergedPast(pasts), live, query);
      return {
        next: async () => (await records.next()).value,
        close: () => {
          close();
          void records.return(undefined);
        },
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Writes what is pending. */
  async close(): Promise<void> {
    for (const live of this.#followers) live.end();
    await Promise.all([...this.#allFiles()].map((file) => file.flush()));
  }

  #filesOf(key: FunctionKey): FunctionFiles {
    let files = this.#files.get(key);
    if (files === undefined) {
      files = { words: this.#open(`${key}.log`), calls: this.#open(`${key}.calls`) };
      this.#files.set(key, files);
      for (const file of Object.values(files)) {
        for (const live of this.#followers) void this.#attachLater(file, live);
      }
    }
    return files;
  }

  #open(name: string): LogFile {
    return new LogFile(join(this.#dir, name), this.#limits, (count, reason) => this.#dropped(count, reason));
  }

  *#allFiles(): Generator<LogFile> {
    for (const files of this.#files.values()) yield* Object.values(files);
  }

  /** A function's first line since a reader began to follow: there is nothing past to read. */
  async #attachLater(file: LogFile, live: LiveLines): Promise<void> {
    const past = await file.attach(live.add);
    for (const { handle } of past.files) await handle.close();
    if (!this.#followers.has(live)) file.detach(live.add);
  }

  #dropped(count: number, reason: string): void {
    this.#droppedCount += count;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#warnedAt < WARNING_INTERVAL_MS) return;
    this.#warnedAt = nowMs;
    this.#logger.warn("Lines of function logs are dropped", { reason, droppedSinceStart: this.#droppedCount });
  }

  /** Functions that have a log on disk or wrote a line since the start. */
  async #known(): Promise<FunctionKey[]> {
    const keys = new Set(this.#files.keys());
    for (const service of await readdir(this.#dir, { withFileTypes: true }).catch(() => [])) {
      if (!service.isDirectory()) continue;
      for (const name of await readdir(join(this.#dir, service.name))) {
        if (name.endsWith(".log")) keys.add(functionKey(service.name, name.slice(0, -".log".length)));
      }
    }
    return [...keys];
  }
}

async function* selected(
  past: AsyncGenerator<LogRecord>,
  live: LiveLines,
  { requestId, sinceAt = 0 }: LogQuery,
): AsyncGenerator<LogRecord, undefined> {
  const wanted = (record: LogRecord) =>
    record.at >= sinceAt && (requestId === undefined || record.requestId === requestId);
  for await (const record of past) if (wanted(record)) yield record;
  for (let line = await live.next(); line !== undefined; line = await live.next()) {
    const record = parseLogLine(line);
    if (record !== undefined && wanted(record)) yield record;
  }
  return undefined;
}
