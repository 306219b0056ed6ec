import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSchedule, parseUtcTime } from "./schedule.ts";

/** A Tuesday. */
const NOW = Date.UTC(2026, 10, 24, 12, 0, 0, 500);

function times(expression: string, at = NOW): (string | undefined)[] {
  const schedule = parseSchedule(expression);
  assert.ok(schedule !== undefined, `${expression} is refused`);
  return [schedule.lastBy(at), schedule.nextAfter(at)].map((each) =>
    each === undefined ? undefined : new Date(each).toISOString().slice(0, 19),
  );
}

test("parseSchedule: the last and the next time of an expression, in UTC", () => {
  assert.deepEqual(times("at(2026-12-24T08:00:00)"), [undefined, "2026-12-24T08:00:00"]);
  assert.deepEqual(times("at(2026-11-24T12:00:00Z)"), ["2026-11-24T12:00:00", undefined]);
  assert.deepEqual(times("cron(0 0 8 * * *)"), ["2026-11-24T08:00:00", "2026-11-25T08:00:00"]);
  assert.deepEqual(times("cron(0 30 8 ? * MON-FRI)", Date.UTC(2026, 10, 28)), [
    "2026-11-27T08:30:00",
    "2026-11-30T08:30:00",
  ]);
  assert.deepEqual(times("cron(*/10 * * * * *)"), ["2026-11-24T12:00:00", "2026-11-24T12:00:10"]);
  assert.deepEqual(times("cron(0 0 0 29 2 *)"), ["2024-02-29T00:00:00", "2028-02-29T00:00:00"]);
});

test("parseSchedule: weekdays count from Monday, 1, to Sunday, 7", () => {
  assert.deepEqual(times("cron(0 0 0 * * 1)")[1], "2026-11-30T00:00:00");
  assert.deepEqual(times("cron(0 0 0 * * 7)")[1], "2026-11-29T00:00:00");
  assert.deepEqual(times("cron(0 0 0 * * 7)"), times("cron(0 0 0 * * SUN)"));
});

for (const expression of [
  "",
  "now",
  "at()",
  "at(2026-02-30T00:00:00)",
  "at(2026-12-24 08:00:00)",
  "at(2026-12-24T25:00:00)",
  "at(tomorrow)",
  "cron()",
  "cron(0 0 8 * *)",
  "cron(0 0 8 * * * 2027)",
  "cron(60 0 8 * * *)",
  "cron(0 0 8 * * 8)",
  "cron(0 0 0 31 2 *)",
  "cron(@daily)",
  "cron(2026-12-24T08:00:00)",
  "cron(0 0 8 * * *",
  `cron(0 0 8 * * ${"1,".repeat(200)}1)`,
]) {
  test(`parseSchedule refuses ${JSON.stringify(expression).slice(0, 40)}`, () => {
    assert.equal(parseSchedule(expression), undefined);
  });
}

test("parseSchedule: no time lies between the last one and the next one, whenever one asks", () => {
  const field = (from: number, to: number) =>
    fc.oneof(
      fc.constant("*"),
      fc.integer({ min: from, max: to }).map(String),
      fc
        .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }))
        .map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`),
      fc.integer({ min: 2, max: to }).map((step) => `*/${step}`),
    );
  const fields = fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(1, 7));
  const moment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) });
  fc.assert(
    fc.property(fields, moment, (parts, at) => {
      const schedule = parseSchedule(`cron(${parts.join(" ")})`);
      assert.ok(schedule);
      const next = schedule.nextAfter(at);
      const last = schedule.lastBy(at);
      assert.ok(next !== undefined && next > at && last !== undefined && last <= at);
      assert.equal(schedule.lastBy(next), next);
      assert.equal(schedule.lastBy(next - 1), last);
      assert.equal(schedule.nextAfter(last), next);
    }),
  );
});

test("parseUtcTime: seconds in UTC, with Z or without; nothing else", () => {
  assert.equal(parseUtcTime("2026-11-24T12:00:00Z"), Date.UTC(2026, 10, 24, 12));
  assert.equal(parseUtcTime("2026-11-24T12:00:00"), Date.UTC(2026, 10, 24, 12));
  for (const text of [
    "",
    "2026-11-24",
    "2026-11-24T12:00:00+08:00",
    "2026-11-31T12:00:00Z",
    "2026-11-24T12:00:00.5Z",
  ]) {
    assert.equal(parseUtcTime(text), undefined, text);
  }
});
