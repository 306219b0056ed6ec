/**
 * When a scheduled action of provisioned instances sets its target: `at(...)` once, `cron(...)` again and again, both in
 * UTC (Function Compute, "Configure provisioned instances and auto scaling rules"). Pure: time comes from the caller.
 */
import { Cron } from "croner";

/** Points in time that an expression names, Unix epoch milliseconds on whole seconds. */
export interface Schedule {
  /** The first one after `at`; undefined where none comes any more. */
  nextAfter(at: number): number | undefined;
  /** The last one at or before `at`; undefined where there was none. */
  lastBy(at: number): number | undefined;
}

/** What an expression must be, as the end of a sentence that begins with "expected". */
export const SCHEDULE_RULE =
  "at(yyyy-mm-ddThh:mm:ss) or cron(second minute hour day month weekday), in UTC, that names a time that comes";

/** Longest expression: far more than a useful one has. */
const EXPRESSION_MAX_CHARS = 256;

/**
 * The schedule of `at(2026-12-24T08:00:00)` or of `cron(0 0 8 * * MON-FRI)`, six fields with weekdays 1 (Monday) to 7;
 * undefined where the text is neither, or names no time at all (the 31st of February).
 */
export function parseSchedule(expression: string): Schedule | undefined {
  if (expression.length > EXPRESSION_MAX_CHARS) return undefined;
  const [, word, inner = ""] = /^(at|cron)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (word === "at") return once(inner.trim());
  return word === "cron" ? repeated(inner.trim()) : undefined;
}

/** `2026-12-24T08:00:00Z` as epoch milliseconds; undefined where it is not such a time. The Z may be left out. */
export function parseUtcTime(text: string): number | undefined {
  const [, withoutZone = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z?$/.exec(text) ?? [];
  const at = Date.parse(`${withoutZone}Z`);
  // A day that the month does not have would be taken as one of the next month.
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(withoutZone) ? at : undefined;
}

function once(time: string): Schedule | undefined {
  const timeAt = parseUtcTime(time);
  if (timeAt === undefined) return undefined;
  return {
    nextAfter: (at) => (timeAt > at ? timeAt : undefined),
    lastBy: (at) => (timeAt <= at ? timeAt : undefined),
  };
}

function repeated(fields: string): Schedule | undefined {
  // Six fields and nothing else: the library would also take a date, or a word such as @daily.
  if (!/^[^\s@:]+(\s+[^\s@:]+){5}$/.test(fields)) return undefined;
  const cron = cronOf(fields);
  if (cron === undefined) return undefined;
  const schedule: Schedule = {
    nextAfter: (at) => cron.nextRun(new Date(at))?.getTime(),
    // The library gives the last one before a second: ask for the second after.
    lastBy: (at) => cron.previousRuns(1, new Date(Math.floor(at / 1000) * 1000 + 1000))[0]?.getTime(),
  };
  return schedule.nextAfter(0) === undefined ? undefined : schedule;
}

/** Paused: the library starts no timer. */
function cronOf(fields: string): Cron | undefined {
  try {
    return new Cron(fields, { paused: true, timezone: "UTC", mode: "6-part" });
  } catch {
    return undefined;
  }
}
