/** The tests of the sandbox once more, where root runs them: as a user without any privilege. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, processesOf } from "../testing/host-inventory.ts";
import { OrdinaryUser } from "../testing/ordinary-user.ts";
import { isRoot, sandboxSkip } from "../testing/subjects.ts";

const LIMIT_MS = 300_000;
/** Each file, and how many of its tests must have passed: a file that skips everything shows nothing. */
const FILES = [
  { file: "src/drivers/sandbox/sandbox-driver.test.ts", passesMin: 31 },
  { file: "src/drivers/sandbox/sandbox-isolation.test.ts", passesMin: 12 },
  { file: "src/drivers/sandbox/identity.test.ts", passesMin: 5 },
  { file: "src/drivers/spawner/spawner-death.test.ts", passesMin: 9 },
  { file: "src/drivers/spawner/leak.test.ts", passesMin: 1 },
  { file: "src/drivers/drivers.test.ts", passesMin: 5 },
] as const;

describe("as an ordinary user", {
  skip: sandboxSkip() || (isRoot ? false : "this is one: the files below are run as they are"),
}, () => {
  let user: OrdinaryUser | undefined;
  before(async () => {
    user = await OrdinaryUser.create();
  });
  after(() => user?.remove());

  for (const { file, passesMin } of FILES) {
    test(file, async () => {
      const { code, stdout, stderr } = await user!.node(["--test", "--test-reporter=tap", file], LIMIT_MS);
      const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(stdout)?.[1]);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      assert.equal(count("fail"), 0, stdout);
      assert.ok(count("pass") >= passesMin, `${count("pass")} passed of ${count("tests")}\n${stdout}`);
    });
  }

  test("nothing of the user runs afterwards", async () => {
    await eventually("all its processes have ended", () => processesOf(user!.uid).length === 0);
  });
});
