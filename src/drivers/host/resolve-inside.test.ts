import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resolveInside } from "./resolve-inside.ts";

test("resolveInside: links are read as below the root, and none leads out of it", (t) => {
  const root = mkdtempSync(join(tmpdir(), "sluice-root-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "usr/bin/dash"), "");
  symlinkSync("usr/bin", join(root, "bin"));
  symlinkSync("/usr/bin/dash", join(root, "usr/bin/sh"));
  symlinkSync("../../../../etc/passwd", join(root, "etc/passwd"));
  symlinkSync("/etc/loop", join(root, "etc/loop"));
  assert.equal(resolveInside(root, "/bin/sh"), join(root, "usr/bin/dash"));
  assert.equal(resolveInside(root, "/bin/../bin/./dash"), join(root, "usr/bin/dash"));
  assert.equal(resolveInside(root, "/"), `${root}/`);
  assert.equal(resolveInside(root, "/usr"), join(root, "usr"));
  for (const path of ["/absent", "/bin/absent", "/etc/passwd", "/etc/loop"]) {
    assert.equal(resolveInside(root, path), undefined, path);
  }
});
