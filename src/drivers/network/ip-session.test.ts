import assert from "node:assert/strict";
import { test } from "node:test";
import { rootSandboxSkip } from "../testing/subjects.ts";
import { IpSession } from "./ip-session.ts";

const skip = rootSandboxSkip();
const PLAN = { within: ["unshare", "--net"] };

test("a session: each caller hears of its own commands, and none is run after one that fails", { skip }, async () => {
  const session = new IpSession(PLAN);
  const results = await Promise.allSettled([
    session.run(["link add first type veth peer name second", "link set first up"]),
    session.run(["link show dev nosuch", "link add unwanted type veth peer name unwanted2"]),
    session.run(["link show dev first"]).then(
      () => assert.fail("what a command prints counts as a complaint"),
      (error: Error) => assert.match(error.message, /first@second/),
    ),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.match(String((results[1] as PromiseRejectedResult).reason), /cannot be made.*nosuch/);
  await assert.rejects(session.run(["link set unwanted up"]), /unwanted/);
  await session.run(["link set second up"]);
  session.close();
});

test("a session that was killed: what waits is rejected, and the next command starts another", { skip }, async () => {
  const session = new IpSession(PLAN);
  await session.run(["link set lo up"]);
  const { pid } = session;
  const waiting = assert.rejects(session.run(["link set lo down"]), /ip has ended/);
  process.kill(pid!, "SIGKILL");
  await waiting;
  await session.run(["link set lo up"]);
  assert.notEqual(session.pid, pid);
  session.close();
});

test("a session whose place cannot be entered: its words", { skip }, async () => {
  const session = new IpSession({ within: ["nsenter", "--net=/proc/self/nosuch"] });
  await assert.rejects(session.run(["link set lo up"]), /nosuch/);
  session.close();
});
