import assert from "node:assert/strict";
import { test } from "node:test";
import { durationOption, integerOption, memoryOption, repeatedOption } from "./options.ts";

test("durationOption takes seconds without a unit and refuses what is no duration", () => {
  assert.deepEqual(
    ["30", "30s", "500ms", "2m", "1h", "0.5s"].map(durationOption),
    [30_000, 30_000, 500, 120_000, 3_600_000, 500],
  );
  for (const text of ["", "soon", "-1", "1d", "1 s"]) assert.throws(() => durationOption(text), /expected a duration/);
});

test("integerOption holds its bounds", () => {
  const parse = integerOption(0, 10);
  assert.deepEqual([parse("0"), parse("10")], [0, 10]);
  for (const text of ["11", "-1", "1.5", "", "x"])
    assert.throws(() => parse(text), /expected a whole number from 0 to 10/);
});

test("memoryOption takes a share or an amount, within what the machine has", () => {
  assert.deepEqual(
    ["75%", "4GB", "512", "512mb", "100%", "0.5gb"].map(memoryOption(8000)),
    [6000, 4096, 512, 512, 8000, 512],
  );
  for (const text of ["0", "101%", "9GB", "-1", "half", "", "1TB"]) {
    assert.throws(() => memoryOption(8000)(text), /this machine's 8000 MB/, text);
  }
});

test("repeatedOption collects in order", () => {
  assert.deepEqual(repeatedOption("b", repeatedOption("a", undefined)), ["a", "b"]);
});
