import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, loopFiles } from "../testing/host-inventory.ts";
import { rootSandboxSkip, scratchFolder } from "../testing/subjects.ts";
import { SCRATCH_FOLDER, ScratchDisks } from "./scratch-disks.ts";

const skip = rootSandboxSkip();

/** Runs commands in a mount namespace of their own, which lasts until its input ends. */
async function mounted(commands: string): Promise<{ child: ChildProcess; said: string }> {
  const script = `set -e\n${commands}\necho $(stat -f -c "%a %S" ${SCRATCH_FOLDER}) $(stat -c %a ${SCRATCH_FOLDER})\nread -r end || true`;
  const child = spawn("unshare", ["--mount", "/bin/sh", "-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString() };
}

async function end(child: ChildProcess): Promise<void> {
  child.stdin!.end();
  if (child.exitCode === null) await once(child, "exit");
}

test("a disk: of its size, without a name, and gone with its mount namespace", { skip }, async () => {
  const folder = scratchFolder();
  mkdirSync(folder);
  const disks = await ScratchDisks.open(folder, 64);
  const [named, ...others] = await Promise.all([disks.take(64), disks.take(64), disks.take(32)]);
  const all = await Promise.all([mounted(named.mount), ...others.map(({ mountAndUnlink }) => mounted(mountAndUnlink))]);
  named.unlink();
  for (const { said } of all) assert.match(said, /^(16385|8193) 4096 1777\n/);
  const left = readdirSync(folder).sort();
  assert.deepEqual(
    left.filter((name) => !name.startsWith("disk-")),
    ["template-32.img", "template-64.img"],
  );
  assert.equal(left.length, 2 + 14, "a stock of 16, of which two are taken, and nothing else");
  assert.equal(loopFiles(folder).length, 3);
  await Promise.all(all.map(({ child }) => end(child)));
  await eventually("its loop devices are free", () => loopFiles(folder).length === 0);
  rmSync(folder, { recursive: true });
});

test("open: removes the disks that a dead Sluice left, and nothing else", { skip }, async () => {
  const folder = scratchFolder();
  mkdirSync(folder);
  for (const name of ["disk-3.img", "template-512.img", "kept"]) writeFileSync(join(folder, name), "");
  await ScratchDisks.open(folder, 64);
  assert.deepEqual(readdirSync(folder).sort(), ["kept", "template-64.img"]);
  rmSync(folder, { recursive: true });
});

test("take: a size that no file can have is refused with the tool's words, and asked for again later", {
  skip,
}, async () => {
  const folder = scratchFolder();
  mkdirSync(folder);
  const disks = await ScratchDisks.open(folder, 64);
  for (let round = 0; round < 2; round++) await assert.rejects(disks.take(2 ** 30), /too (big|large)/i);
  rmSync(folder, { recursive: true });
});
