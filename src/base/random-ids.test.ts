import assert from "node:assert/strict";
import { test } from "node:test";
import { randomId } from "./base.ts";

test("randomId makes UUIDs of version 4, each another one", () => {
  const ids = Array.from({ length: 1_000 }, randomId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
  // Every other digit takes every value: in a thousand ids the chance that one is missing is below 10^-24.
  for (const place of [0, 7, 9, 12, 15, 20, 24, 35]) {
    assert.equal(new Set(ids.map((id) => id[place])).size, 16, `digit ${place}`);
  }
});
