/** What bounds an instance of an ordinary user beside the filter of system calls; tried without that filter. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { release } from "node:os";
import { test } from "node:test";
import { isRoot, sandboxSkip } from "../testing/subjects.ts";
import { userIdentity } from "./identity.ts";
import { USER_NAMESPACE } from "./user-namespace.ts";

const skip = sandboxSkip() || (isRoot ? "for an ordinary user: ordinary-user.test.ts runs it as one" : false);
const PROCESSES_MAX = 30;

/** Runs a script where a function would be, as far as its identity goes; resolves with what it prints. */
function runInside(script: string, within: readonly string[] = []): Promise<string> {
  const identity = userIdentity(PROCESSES_MAX, release());
  const command = [
    "bwrap",
    ...identity.bubblewrapArguments(200_007),
    ...["--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/sh", "-c", script],
  ];
  const outer = [...identity.shellLines, 'exec "$@"'].join("\n");
  const shell = ["unshare", ...identity.shellNamespaces, "--net", "/bin/sh", "-ec", outer, "sh", ...command];
  return new Promise((resolve, reject) => {
    const [program, ...args] = [...within, USER_NAMESPACE.program, ...USER_NAMESPACE.arguments, ...shell];
    execFile(program!, args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr);
      else reject(new Error(`${error.message}\n${stdout}`));
    });
  });
}

test("userIdentity: the function's user id, no capability, no group but its own", { skip }, async () => {
  const said = await runInside("id -u; id -g; grep -h ^Cap /proc/self/status");
  assert.match(said, /^200007\n200007\n(Cap(Inh|Prm|Eff|Bnd|Amb):\t0+\n){5}$/);
});

test("userIdentity: no further user namespace", { skip }, async () => {
  assert.match(await runInside("unshare --user true 2>&1 || echo refused"), /No space left on device\nrefused\n$/);
});

test("userIdentity: a fork bomb ends at processesMax, and another instance does not notice", { skip }, async () => {
  const start = (processes: number) => `i=0; while [ $i -lt ${processes} ]; do sleep 1 & i=$((i + 1)); done; echo all`;
  const [bomb, other] = await Promise.all([
    runInside(`(${start(2 * PROCESSES_MAX)}) 2>&1 || echo stopped`),
    runInside(`sleep 0.3; ${start(PROCESSES_MAX / 2)}`),
  ]);
  assert.match(bomb, /fork.*\nstopped\n$/);
  assert.equal(other, "all\n");
});

test("userIdentity: a user who is held to fewer processes has sandboxes too", { skip }, async () => {
  assert.equal(await runInside("echo runs", ["prlimit", `--nproc=${PROCESSES_MAX - 5}`]), "runs\n");
});

test("userIdentity: older kernels count the user's processes together, so there they are not bounded", () => {
  const bounds = (kernel: string) => userIdentity(1024, kernel).shellLines.some((line) => line.includes("ulimit"));
  assert.deepEqual(["4.19.0", "5.10.0-28-amd64", "5.14.1", "6.1.0"].map(bounds), [false, false, true, true]);
});
