/** Sluice started by a user without any privilege: the sandbox is what `auto` takes, and nothing of it is left. */
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { processesOf } from "../../src/drivers/testing/host-inventory.ts";
import { OrdinaryUser } from "../../src/drivers/testing/ordinary-user.ts";
import { assertMatrix, folderOf, goMissing, runJob, runMatrix, testPrograms } from "../support/clients.ts";
import { descendantsOf, isAlive } from "../support/processes.ts";
import { sandboxMissing } from "../support/sandbox.ts";
import { eventually, Sluice } from "../support/sluice.ts";

describe("an ordinary user", { skip: sandboxMissing }, () => {
  let user: OrdinaryUser | undefined;
  before(async () => {
    user = await OrdinaryUser.create();
  });
  after(() => user?.remove());
  const assertNothingRuns = (what: string) =>
    eventually(`nothing runs after ${what}`, () => processesOf(user!.uid).length === 0, 2_000);

  test("start --demo takes the sandbox and answers over TLS; after SIGTERM nothing is left", async () => {
    const sluice = await Sluice.start({ as: user!, isolation: "auto", args: ["--demo"] });
    assert.match(sluice.output, /Hello world/);
    assert.doesNotMatch(sluice.output, /without isolation/);
    const functions = descendantsOf(sluice.endpoint.pid).filter(({ commandLine }) => commandLine.startsWith("node "));
    assert.ok(functions.length > 0, "the example runs");
    for (const { pid, uid } of functions) {
      assert.equal(uid, user!.uid);
      for (const kind of ["user", "net", "pid", "mnt", "ipc", "uts"]) {
        assert.notEqual(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind);
      }
    }
    assert.equal(await sluice.stop(), 0);
    await assertNothingRuns("SIGTERM");
    assert.deepEqual(readdirSync(join(user!.home, "tmp")), []);
  });

  test("every kind of call, and SIGKILL of spawner and main", { skip: goMissing }, async () => {
    const { go } = await testPrograms();
    const sluice = await Sluice.start({ as: user!, isolation: "sandbox" });
    const info = await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { customRuntimeConfig: { command: ["./echo"] }, instanceConcurrency: 10 },
    });
    assertMatrix(await runMatrix([go.client], [...sluice.clientFlags(info), "matrix"]));
    const { pid } = sluice.endpoint;
    const spawner = descendantsOf(pid).find(({ commandLine }) => commandLine.includes("spawner-main"));
    const functions = descendantsOf(pid).filter(({ commandLine }) => commandLine.startsWith("./echo"));
    assert.ok(functions.length > 0);
    process.kill(spawner!.pid, "SIGKILL");
    // A call that is under way then would rightly fail.
    const haveEnded = () => functions.every((entry) => !isAlive(entry.pid));
    await eventually("its instances have ended", haveEnded, 2_000);
    assert.deepEqual((await runJob(sluice, info, {})).codes, { OK: 1 }, "a new spawner starts the next instance");
    process.kill(pid, "SIGKILL");
    await assertNothingRuns("SIGKILL");
    await sluice.stop();
  });
});
