import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNatTables } from "./nat-table.ts";

test("parseNatTables: those of Sluices and no others, with whose they are and what they switched", () => {
  const text =
    "table inet sluice_12\ntable ip nat\ntable inet sluice_345_forwarding\ntable inet sluice\ntable ip6 sluice_1\n";
  assert.deepEqual(parseNatTables(text), [
    { name: "inet sluice_12", pid: 12, switchedForwarding: false },
    { name: "inet sluice_345_forwarding", pid: 345, switchedForwarding: true },
  ]);
});
