import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptRequest } from "./kept-request.ts";
import { ByteBudget } from "./memory-budget.ts";

test("KeptRequest keeps 64 KiB for a replay, takes them from the budget and gives them back", () => {
  const budget = new ByteBudget(100_000);
  const kept = new KeptRequest(budget);
  kept.push(Buffer.alloc(40_000));
  kept.bound();
  kept.push(Buffer.alloc(25_536));
  kept.bound();
  assert.equal(kept.isWhole, true);
  assert.equal(budget.takenBytes, 65_536);
  kept.push(Buffer.alloc(1));
  kept.bound();
  assert.equal(kept.isWhole, false);
  assert.deepEqual(kept.chunks, []);
  assert.equal(budget.takenBytes, 0);
});

test("KeptRequest gives up where the budget has no room, and keeps more while the call waits", () => {
  const kept = new KeptRequest(new ByteBudget(10));
  kept.push(Buffer.alloc(200_000));
  assert.equal(kept.isWhole, true);
  kept.bound();
  assert.equal(kept.isWhole, false);
});
