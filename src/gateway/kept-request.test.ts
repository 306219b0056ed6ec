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

test("KeptRequest copies crumbs together, in their order", () => {
  const kept = new KeptRequest(new ByteBudget(1_000_000));
  const text = Array.from({ length: 10_000 }, (_, at) => String(at % 10)).join("");
  for (const character of text) kept.push(Buffer.from(character));
  kept.push(Buffer.from("+".repeat(300)));
  kept.push(Buffer.from("end"));
  assert.equal(Buffer.concat(kept.chunks).toString(), `${text}${"+".repeat(300)}end`);
  assert.ok(kept.chunks.length <= 6, `${kept.chunks.length} chunks`);
});
