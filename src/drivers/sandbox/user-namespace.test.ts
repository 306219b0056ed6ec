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

test("userNamespaceObstacle: names the setting that forbids them, and the command", { skip }, () => {
  // A user namespace in which no further one may be made.
  const forbid = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"';
  const ask = `const { userNamespaceObstacle } = await import(${JSON.stringify(MODULE)});
    process.stdout.write(String(await userNamespaceObstacle()));`;
  const command = [process.execPath, "--input-type=module", "-e", ask];
  const args = [...USER_NAMESPACE.arguments, "/bin/sh", "-ec", forbid, "sh", ...command];
  assert.equal(
    execFileSync(USER_NAMESPACE.program, args, { encoding: "utf8" }),
    "it needs root or user namespaces, and this user cannot make any, since user.max_user_namespaces is 0: " +
      "allow them (sysctl -w user.max_user_namespaces=10000, as root), or start Sluice as root",
  );
});
