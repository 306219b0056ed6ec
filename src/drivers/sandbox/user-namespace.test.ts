import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sandboxSkip } from "../testing/subjects.ts";
import { USER_NAMESPACE, userNamespaceObstacle } from "./user-namespace.ts";

const skip = sandboxSkip();
const MODULE = fileURLToPath(new URL("./user-namespace.ts", import.meta.url));

test("userNamespaceObstacle: none where they can be made", { skip }, async () => {
  assert.equal(await userNamespaceObstacle(), undefined);
});

/** What it says in a user namespace in which no further one may be made; `readSetting` is JavaScript, or the default. */
function askForbidden(readSetting = "undefined"): string {
  const forbid = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"';
  const ask = `const { userNamespaceObstacle } = await import(${JSON.stringify(MODULE)});
    process.stdout.write(String(await userNamespaceObstacle(${readSetting})));`;
  const command = [process.execPath, "--input-type=module", "-e", ask];
  const args = [...USER_NAMESPACE.arguments, "/bin/sh", "-ec", forbid, "sh", ...command];
  return execFileSync(USER_NAMESPACE.program, args, { encoding: "utf8" });
}

test("userNamespaceObstacle: names the setting that forbids them, and the command", { skip }, () => {
  assert.equal(
    askForbidden(),
    "it needs root or user namespaces, and this user cannot make any, since user.max_user_namespaces is 0: " +
      "allow them (sysctl -w user.max_user_namespaces=10000, as root), or start Sluice as root",
  );
});

test("userNamespaceObstacle: knows the settings of distributions; else it gives the tool's words", { skip }, () => {
  const settings = { "kernel.apparmor_restrict_unprivileged_userns": "1", "user.max_user_namespaces": "96365" };
  assert.match(
    askForbidden(`(name) => (${JSON.stringify(settings)})[name]`),
    /since kernel\.apparmor_restrict_unprivileged_userns is 1: .*sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/,
  );
  assert.match(askForbidden("() => undefined"), /cannot make any \(unshare: unshare failed: No space left on device\)/);
});
