import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { connectionsThatFit, readOpenFilesMax } from "./open-files.ts";

test("readOpenFilesMax: what `ulimit -n` says, and Infinity where there is nothing to read", {
  skip: process.platform !== "linux" && "only Linux has /proc",
}, () => {
  const said = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout.trim();
  assert.equal(String(readOpenFilesMax()).replace("Infinity", "unlimited"), said);
  assert.equal(readOpenFilesMax("/nowhere"), Number.POSITIVE_INFINITY);
});

test("connectionsThatFit: leaves room for instances and what is open anyway", () => {
  assert.equal(connectionsThatFit(1024, 100), 696);
  assert.equal(connectionsThatFit(64, 100), 16);
  assert.equal(connectionsThatFit(Number.POSITIVE_INFINITY, 100), Number.POSITIVE_INFINITY);
});
