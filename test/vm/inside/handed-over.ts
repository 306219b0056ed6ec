/** Where Sluice makes its groups, by the group that it is started in (own-group.ts). */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROCESSES_GROUP } from "../../../src/drivers/cgroup/own-group.ts";
import { descendants, eventually } from "../../../src/drivers/testing/host-inventory.ts";
import { TestHome, uniqueSeconds } from "../../../src/drivers/testing/test-function.ts";

const ROOT = "/sys/fs/cgroup";
const MAIN = fileURLToPath(new URL("../../../src/drivers/testing/main-program.ts", import.meta.url));
const USER = 1_000;

/** As a service manager makes it: with the controllers that limits need. */
function makeGroup(name: string): string {
  writeFileSync(join(ROOT, "cgroup.subtree_control"), "+memory +pids +cpu");
  const group = join(ROOT, name);
  mkdirSync(group);
  return group;
}

/** Starts a main program with one instance in the group; it is the group's user. Resolves when the instance listens. */
async function startIn(group: string, home: TestHome, uid?: number): Promise<ChildProcess> {
  const identity = uid === undefined ? "" : `setpriv --reuid ${uid} --regid ${uid} --clear-groups --inh-caps=-all`;
  const command = `echo 0 >${group}/cgroup.procs; exec ${identity} ${process.execPath} ${MAIN} process ${home.path} ${uniqueSeconds()}`;
  const main = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
  const failed = once(main, "exit").then(() => assert.fail("the main program ended before its instance listened"));
  await Promise.race([once(main.stdout!, "data"), failed]);
  failed.catch(() => {});
  return main;
}

async function killAll(main: ChildProcess): Promise<void> {
  const below = descendants(main.pid);
  main.kill("SIGKILL");
  await eventually("nothing of it runs", () => below.every((pid) => !existsSync(`/proc/${pid}`)), 4_000);
}

function groupOf(pid: number): string {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))![1]!;
}

const trees = (folder: string) => globSync("sluice-*-*", { cwd: folder }).filter((name) => /^sluice-\d/.test(name));

for (const [who, uid] of [
  ["root", undefined],
  ["another user", USER],
] as const) {
  test(`a group that was handed over to ${who}: all groups are in it, and what runs in it moves into one of them`, async () => {
    const group = makeGroup(`unit-${uid ?? 0}`);
    if (uid !== undefined) {
      for (const file of ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]) {
        chownSync(join(group, file), uid, uid);
      }
    }
    const home = await TestHome.create(true);
    try {
      const before = trees(ROOT);
      const main = await startIn(group, home, uid);
      assert.equal(groupOf(main.pid!), `/unit-${uid ?? 0}/${PROCESSES_GROUP}`);
      assert.deepEqual(trees(ROOT), before);
      const [tree] = trees(group);
      assert.match(tree!, new RegExp(`^sluice-${main.pid}-`));
      const [limit] = globSync(`${tree}/*/memory.max`, { cwd: group });
      assert.equal(readFileSync(join(group, limit!), "utf8").trim(), String(512 * 1024 * 1024));
      assert.notEqual(readFileSync(join(group, tree!, "memory.max"), "utf8").trim(), "max");
      await killAll(main);

      // In the place of the first, as a service manager starts it again: what that left is gone, and it works again.
      const second = await startIn(join(group, PROCESSES_GROUP), home, uid);
      assert.equal(trees(group).length, 1);
      assert.match(trees(group)[0]!, new RegExp(`^sluice-${second.pid}-`));
      await killAll(second);
    } finally {
      await home.remove();
    }
  });
}

test("a group with processes of others: nothing is made in it, and they stay; root makes its groups at the top", async () => {
  const group = makeGroup("session");
  const home = await TestHome.create(true);
  const other = spawn("sh", ["-c", `echo 0 >${group}/cgroup.procs; echo in; exec sleep 1000`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(other.stdout!, "data");
    const main = await startIn(group, home);
    assert.equal(groupOf(other.pid!), "/session");
    assert.equal(groupOf(main.pid!), "/session");
    assert.deepEqual(trees(group), []);
    assert.ok(trees(ROOT).some((name) => name.startsWith(`sluice-${main.pid}-`)));
    await killAll(main);
  } finally {
    other.kill("SIGKILL");
    await once(other, "exit");
    await home.remove();
    rmdirSync(group);
  }
});
