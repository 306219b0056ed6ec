import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { OrdinaryUser } from "../ordinary-user.ts";

/**
 * Runs a file of tests in network and mount namespaces made for it, as on another host: its addresses, routes, sysctls and
 * firewall are nobody else's. With a user it begins as root, who sees what that one does, and is told whom to become
 * (root-shell.ts). Rejects with all that it printed when a test of it fails.
 */
export async function runScene(file: string, user?: OrdinaryUser): Promise<void> {
  // With it a test file reports to a runner, not to people.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const node = (path: string, script: string) => [path, "--test-reporter=spec", script];
  const words =
    user === undefined
      ? ["unshare", "--mount", ...node(process.execPath, file)]
      : user.rootCommand(node(user.nodePath, user.path(file)));
  const scene = spawn("unshare", ["--net", ...words], {
    env: { ...env, ...user?.environment, ...(user && { SCENE_UID: String(user.uid) }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [scene.stdout, scene.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const [code] = await once(scene, "close");
  assert.equal(code, 0, said);
  const passed = Number(/^ℹ pass (\d+)$/m.exec(said)?.[1] ?? 0);
  assert.ok(passed > 0 && /^ℹ skipped 0$/m.test(said), said);
}
