import assert from "node:assert/strict";
import { getPriority } from "node:os";
import { afterEach, test } from "node:test";
import { systemClock as clock } from "../../base/base.ts";
import { childrenOf, isRunning } from "../host/process-tree.ts";
import { readOrEmpty } from "../host/read-or-none.ts";
import { descendants, eventually } from "../testing/host-inventory.ts";
import { BackgroundShell } from "./background-shell.ts";

const skip = process.platform !== "linux" && "not Linux";
/** As slirp4netns does, it ends when descriptor 3 closes. */
const UNTIL_CLOSED = ["sh", "-c", "read -r line <&3"];
const noEnd = (said: string) => assert.fail(`it ended: ${said}`);

afterEach(() => eventually("nothing is left", () => descendants().length === 0));

test("programs run at low priority until they hurry, and end when they are killed, however early", {
  skip,
}, async () => {
  const shell = new BackgroundShell([], clock);
  const programs = Array.from({ length: 3 }, () => shell.run(UNTIL_CLOSED, noEnd));
  const [first, second, early] = programs;
  early?.kill();
  await eventually("two run", () => first?.pid !== undefined && second?.pid !== undefined);
  const pid = first!.pid!;
  assert.equal(getPriority(pid), 19);
  assert.notEqual(pid, second!.pid);
  if (process.getuid?.() === 0) {
    first!.hurry();
    assert.equal(getPriority(pid), 0);
  }
  first!.kill();
  first!.kill();
  assert.equal(first!.pid, undefined);
  await eventually("only the second is left, and no zombie", () => childrenOf(descendants()[0]!).length === 1);
  assert.ok(isRunning(second!.pid!));
  second!.kill();
  shell.close();
});

test("one that ends of its own accord, or was killed by others: it is told, with what it said", { skip }, async () => {
  const shell = new BackgroundShell([], clock);
  const ends: string[] = [];
  const words = ["sh", "-c", 'echo "no $1" >&2; exit 3', "sh", "tap 'device'"];
  shell.run(words, (said) => ends.push(said));
  const other = shell.run(UNTIL_CLOSED, () => ends.push("killed"));
  await eventually("it runs", () => other.pid !== undefined);
  process.kill(other.pid!, "SIGKILL");
  await eventually("both are told", () => ends.length === 2, 3_000);
  assert.deepEqual(ends.sort(), ["killed", "no tap 'device'"]);
  shell.close();
});

test("SIGKILL of the shell: its programs end and are told, and the next one starts another shell", {
  skip,
}, async () => {
  const shell = new BackgroundShell([], clock);
  let isTold = false;
  const program = shell.run(UNTIL_CLOSED, () => {
    isTold = true;
  });
  await eventually("it runs", () => program.pid !== undefined);
  const pid = program.pid!;
  const shellPid = Number(/^PPid:\t(\d+)/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]);
  process.kill(shellPid, "SIGKILL");
  await eventually("it has ended", () => isTold && !isRunning(pid));
  const next = shell.run(UNTIL_CLOSED, noEnd);
  await eventually("the next runs", () => next.pid !== undefined);
  next.kill();
  shell.close();
});
