import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readMounts } from "../../drivers/cgroup/mounts.ts";
import { rootSandboxSkip, sandboxSkip } from "../../drivers/testing/subjects.ts";
import type { DoctorReport } from "../../server/server.ts";
import { runCommand } from "../testing/run-command.ts";

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-doctor-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("doctor: tries every isolation for real and says what works, why not, and how to get it", async (t) => {
  const { code, stdout } = await runCommand(["doctor", "--json", "--data", await temporaryFolder(t)]);
  const report = JSON.parse(stdout) as DoctorReport;
  assert.deepEqual(
    report.isolations.map(({ name }) => name),
    ["sandbox", "container", "process"],
  );
  const process = report.isolations.find(({ name }) => name === "process")!;
  assert.equal(process.works, true);
  assert.ok(process.features.some(({ works }) => !works));
  for (const { works, reason, features } of report.isolations) assert.ok(works ? features.length > 0 : reason !== "");
  assert.equal(report.chosen, report.isolations.find(({ works }) => works)!.name);
  assert.equal(code, 0);
});

test("doctor: as a page for people", { skip: sandboxSkip() }, async (t) => {
  const { code, stdout } = await runCommand(["doctor", "--data", await temporaryFolder(t)]);
  assert.equal(code, 0);
  assert.match(stdout, /^isolation auto: a start takes sandbox, the first of these that works$/m);
  assert.match(stdout, /^ {2}yes {2}filter of system calls: seccomp$/m);
  assert.match(stdout, /^ {2}no {3}isolation from the host: /m);
});

test("doctor: a configuration that is wrong is one line; one that cannot work is told by the exit code", async (t) => {
  const data = await temporaryFolder(t);
  await writeFile(join(data, "config.yaml"), "isolatoin: sandbox\n");
  const wrong = await runCommand(["doctor", "--data", data]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^[^\n]*isolatoin[^\n]*\n$/);
});

test("doctor --clean: removes control groups that a killed Sluice left; without it they are shown and stay", {
  skip: rootSandboxSkip(),
}, async (t) => {
  const data = await temporaryFolder(t);
  const { version1, version2 } = readMounts();
  const root = version2 ?? version1.get("memory")!;
  const tree = join(root, `sluice-${2 ** 31 - 1}-0a0b0c0d`);
  mkdirSync(join(tree, "one"), { recursive: true });
  // As long as something runs in it no Sluice that starts meanwhile removes it.
  const sleeper = spawn("sleep", ["60"], { stdio: "ignore" });
  writeFileSync(join(tree, "one", "cgroup.procs"), String(sleeper.pid));
  const shown = await runCommand(["doctor", "--data", data]);
  assert.match(
    shown.stdout,
    /^left of a run that was killed: control groups .*0a0b0c0d \(remove it with: sluice doctor --clean\)$/m,
  );
  assert.equal(existsSync(tree), true);
  sleeper.kill("SIGKILL");
  await once(sleeper, "exit");
  await runCommand(["doctor", "--clean", "--data", data]);
  assert.equal(existsSync(tree), false);
  assert.doesNotMatch((await runCommand(["doctor", "--data", data])).stdout, /0a0b0c0d/);
});
