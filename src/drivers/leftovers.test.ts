import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { findLeftovers } from "./leftovers.ts";
import { isRoot, sandboxSkip } from "./testing/subjects.ts";

const skip = sandboxSkip() || (isRoot ? false : "not root");

test("findLeftovers: the nftables table of a Sluice that was killed, and how to take it back", { skip }, async () => {
  const name = `sluice_${2 ** 31 - 1}`;
  execFileSync("nft", ["add", "table", "inet", name]);
  const isThere = () => execFileSync("nft", ["list", "tables"], { encoding: "utf8" }).includes(name);
  const found = (await findLeftovers()).find(({ what }) => what === `nftables table inet ${name}`);
  assert.ok(found, "it is found");
  assert.equal(isThere(), true, "a look takes nothing back");
  await found.remove();
  assert.equal(isThere(), false);
});
