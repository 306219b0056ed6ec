import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { missingPart } from "./clients.ts";

/** Why tests of the sandbox cannot run here, for `skip`; throws in CI. */
export const sandboxMissing = missingPart(reason());

function reason(): string | undefined {
  if (process.platform !== "linux") return "the sandbox needs Linux";
  if (process.getuid?.() !== 0) return "these tests look into sandboxes as root";
  for (const tool of ["bwrap", "ip", "setpriv", "unshare"]) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  }
  return undefined;
}

/** Takes down this machine's end of the network link of the sandbox in which a process runs. */
export function cutCable(pid: number): void {
  const run = (command: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
    assert.equal(status, 0, `${command}: ${stderr}`);
    return stdout;
  };
  const networkOf = (who: string) => readlinkSync(`/proc/${who}/ns/net`);
  assert.notEqual(networkOf(String(pid)), networkOf("self"), "it runs in a network of its own");
  // An interface of a pair is NAME@ifN, N being the index of the other one.
  const peer = /@if(\d+):/.exec(run("nsenter", "-t", String(pid), "-n", "ip", "-o", "link"))?.[1];
  const own = new RegExp(`^${peer}: ([^:@]+)`, "m").exec(run("ip", "-o", "link"))?.[1];
  assert.ok(peer !== undefined && own !== undefined, "the pair of interfaces");
  run("ip", "link", "set", "dev", own, "down");
}
