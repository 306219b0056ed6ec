import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { functionKey, newInstanceId } from "../../model/model.ts";
import type { OutputLine } from "../driver.ts";
import { LINE_BYTES_MAX, LineSplitter } from "./line-splitter.ts";
import { OutputBudget } from "./output-budget.ts";
import { OutputReader } from "./output-reader.ts";

test("LineSplitter: the same lines however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 20 })), fc.array(fc.nat(40)), (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll(/[\r\n]/g, " "));
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      const seen: string[] = [];
      const splitter = new LineSplitter((line) => seen.push(line));
      let at = 0;
      for (const cut of cuts) {
        splitter.write(bytes.subarray(at, at + cut));
        at += cut;
      }
      splitter.write(bytes.subarray(at));
      splitter.end();
      assert.deepEqual(seen, lines);
    }),
  );
});

test("LineSplitter: keeps 32 KB of a line without end, whatever comes", () => {
  const seen: string[] = [];
  const splitter = new LineSplitter((line) => seen.push(line));
  for (let count = 0; count < 100; count++) splitter.write(Buffer.alloc(10_000, "a"));
  splitter.write(Buffer.from("\nnext\n"));
  assert.deepEqual(
    seen.map((line) => line.length),
    [LINE_BYTES_MAX, 4],
  );
});

test("OutputBudget: a burst, then the rate", () => {
  const clock = new FakeClock();
  const budget = new OutputBudget(clock, 1_000);
  assert.equal(budget.spend(2_000), true);
  assert.equal(budget.spend(1), false);
  clock.advance(500);
  assert.equal(budget.spend(500), true);
  assert.equal(budget.spend(1), false);
  clock.advance(60_000);
  assert.equal(budget.spend(2_001), false);
  assert.equal(budget.spend(2_000), true);
});

function reader(bytesPerSecond: number) {
  const clock = new FakeClock();
  const lines: OutputLine[] = [];
  const it = new OutputReader({
    clock,
    instanceId: newInstanceId(),
    function: functionKey("test", "f"),
    bytesPerSecond,
    shared: new OutputBudget(clock, 1e9),
    sink: (line) => lines.push(line),
  });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  it.attach(stdout, "stdout");
  it.attach(stderr, "stderr");
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, lines, it, stdout, stderr, settle };
}

test("OutputReader: over the rate lines are dropped, counted, and the stream rests", async () => {
  const { clock, lines, it, stdout, settle } = reader(1_000);
  stdout.write(`${"z".repeat(36)}\n`.repeat(100));
  await settle();
  const kept = lines.filter((line) => line.source === "stdout").length;
  assert.equal(kept, 20);
  assert.equal(stdout.isPaused(), true);
  clock.advance(5);
  assert.equal(stdout.isPaused(), false);
  clock.advance(1_000);
  stdout.write("after\n");
  await settle();
  it.end();
  const told = lines
    .filter((line) => line.source === "stderr")
    .map((line) => Number(/(\d+) lines dropped/.exec(line.text)?.[1]));
  assert.equal(
    told.reduce((sum, count) => sum + count, 0),
    80,
  );
  assert.equal(lines.at(-1)?.text, "after");
});

test("OutputReader.stderrTail: whole last lines within 4 KB, of standard error alone", async () => {
  const { it, stdout, stderr, settle } = reader(1e6);
  stdout.write("not this\n");
  for (let index = 0; index < 1_000; index++) stderr.write(`line ${index}\n`);
  stderr.write("last");
  await settle();
  it.end();
  assert.ok(Buffer.byteLength(it.stderrTail) <= 4_096);
  assert.ok(it.stderrTail.endsWith("line 998\nline 999\nlast"));
  assert.match(it.stderrTail, /^line \d+\n/);
});
