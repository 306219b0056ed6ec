import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { systemClock } from "../../base/base.ts";
import { descendants, eventually } from "../testing/host-inventory.ts";
import { rootSandboxSkip } from "../testing/subjects.ts";
import { openParentNamespace } from "./parent-namespace.ts";

const SETTING = "/proc/sys/net/ipv4/tcp_child_ehash_entries";
/** Of the namespace that one is in; negative where it shares its parent's table. */
const ENTRIES = "/proc/sys/net/ipv4/tcp_ehash_entries";

const skip = rootSandboxSkip() || (existsSync(SETTING) ? false : "the kernel has no tables for single namespaces");

test("a namespace made in the parent has a table of TCP connections of its own; the host's stays as it was", {
  skip,
}, async () => {
  const before = execFileSync("cat", [SETTING], { encoding: "utf8" });
  const parent = await openParentNamespace(systemClock);
  assert.ok(parent);
  const [program = "", ...rest] = ["nsenter", `--net=${parent.path}`, "unshare", "--net", "cat", ENTRIES];
  assert.equal(Number(execFileSync(program, rest, { encoding: "utf8" })), 8192);
  assert.equal(execFileSync("cat", [SETTING], { encoding: "utf8" }), before);
  await eventually("nothing runs in it", () => descendants().length === 0);
  parent.close();
  assert.throws(() => execFileSync(program, rest, { stdio: "ignore" }), "closed, it is gone");
});
