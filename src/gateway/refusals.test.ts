import assert from "node:assert/strict";
import { test } from "node:test";
import { type LogFields, silentLogger } from "../base/base.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { Refusals } from "./refusals.ts";

function create() {
  const clock = new FakeClock();
  const lines: LogFields[] = [];
  const logger = { ...silentLogger, info: (_message: string, fields: LogFields = {}) => lines.push(fields) };
  const refusals = new Refusals(clock, logger);
  return { clock, lines, refusals };
}

test("refused: the first of a token is logged at once, with who and why", () => {
  const { lines, refusals } = create();
  refusals.refused("reset_flood", "10.0.0.1", "too many resets");
  refusals.refused("connections", "10.0.0.2", "too many connections");
  assert.deepEqual(lines, [
    { token: "reset_flood", from: "10.0.0.1", why: "too many resets", count: 1, total: 1 },
    { token: "connections", from: "10.0.0.2", why: "too many connections", count: 1, total: 1 },
  ]);
});

test("refused: a flood is all counted, and at most one line a second and token", () => {
  const { clock, lines, refusals } = create();
  for (let ms = 0; ms < 10_000; ms++) {
    refusals.refused("not_tls", "10.0.0.1", "no TLS");
    clock.advance(1);
    if (clock.nowMs() % 500 === 0) refusals.tick(clock.nowMs());
  }
  assert.equal(refusals.countOf("not_tls"), 10_000);
  assert.ok(lines.length >= 10 && lines.length <= 11, `${lines.length} lines`);
  refusals.tick(clock.nowMs() + 1000);
  assert.equal(
    lines.reduce((sum, { count }) => sum + Number(count), 0),
    10_000,
    "the lines account for all",
  );
});

test("tick: says what came within the second after a line, and nothing where nothing came", () => {
  const { clock, lines, refusals } = create();
  refusals.refused("alpn", "10.0.0.1", "no h2");
  refusals.refused("alpn", "10.0.0.1", "no h2");
  refusals.refused("alpn", "10.0.0.1", "no h2");
  clock.advance(1000);
  refusals.tick(clock.nowMs());
  assert.deepEqual(lines[1], { token: "alpn", count: 2, total: 3 });
  clock.advance(60_000);
  refusals.tick(clock.nowMs());
  assert.equal(lines.length, 2);
  assert.deepEqual(refusals.counts(), { alpn: 3 });
  assert.equal(refusals.countOf("never"), 0);
});
