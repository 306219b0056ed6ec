import assert from "node:assert/strict";
import { test } from "node:test";
import { functionKey } from "../../model/model.ts";
import { UidTable } from "./uid-table.ts";

const key = (name: string) => functionKey("test", name);

test("UidTable.take: one uid for each function, kept while there are unused ones", () => {
  const table = new UidTable(200_000, 3);
  assert.equal(table.take(key("a")), 200_000);
  assert.equal(table.take(key("b")), 200_001);
  assert.equal(table.take(key("a")), 200_000);
  table.release(key("a"));
  table.release(key("a"));
  assert.equal(table.take(key("c")), 200_002);
  assert.equal(table.take(key("a")), 200_000);
});

test("UidTable.take: takes over the uid of a function without instances, else says that none is left", () => {
  const table = new UidTable(200_000, 2);
  table.take(key("a"));
  table.take(key("b"));
  assert.equal(table.take(key("c")), undefined);
  table.release(key("b"));
  assert.equal(table.take(key("c")), 200_001);
  assert.equal(table.take(key("b")), undefined);
});
