import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkGarbage, collectYoung } from "./chunk-garbage.ts";

const MIB = 1024 * 1024;

test("ChunkGarbage collects once for some MiB of large chunks, and never for small ones", () => {
  let collections = 0;
  const garbage = new ChunkGarbage(() => {
    collections += 1;
  });
  for (let i = 0; i < 100_000; i++) garbage.received(4095);
  assert.equal(collections, 0);
  for (let i = 0; i < 64 * 64; i++) garbage.received(16 * 1024);
  assert.equal(collections, 8);
});

test("collectYoung() frees the memory of chunks that nothing refers to", () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 32; i++) Buffer.allocUnsafeSlow(MIB).fill(1);
  const held = process.memoryUsage().arrayBuffers - before;
  assert.ok(held >= 16 * MIB, `chunks of ${held} bytes: V8 collected before us, the test shows nothing`);
  // A second one frees what the first one's sweeping had not yet given back.
  collectYoung();
  collectYoung();
  const left = process.memoryUsage().arrayBuffers - before;
  assert.ok(left <= 2 * MIB, `${left} of ${held} bytes are left`);
});
