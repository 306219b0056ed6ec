/**
 * How an ordinary user gets sandboxes: the spawner runs as root of a user namespace of its own, with a network namespace
 * that nothing of this machine is in (user_namespaces(7)). In there it may do what root does on the host: make namespaces,
 * pairs of links, mounts. Outside it is the user who started Sluice, and no more.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { findTool, TOOL_PATH } from "../host/find-tool.ts";
import { readOrEmpty } from "../host/read-or-none.ts";

const OPTIONS = ["--user", "--map-root-user", "--net", "--"];

/** The program, and its arguments before those of the command that it runs, as root of such namespaces, with its own pid. */
export const USER_NAMESPACE = { program: "unshare", arguments: OPTIONS } as const;

/** Settings with which Linux or a distribution forbids user namespaces to ordinary users, and what sets them. */
const SETTINGS: readonly { readonly name: string; readonly forbids: string; readonly allow: string }[] = [
  // Debian's and Arch's own.
  { name: "kernel.unprivileged_userns_clone", forbids: "0", allow: "1" },
  { name: "user.max_user_namespaces", forbids: "0", allow: "10000" },
  { name: "user.max_net_namespaces", forbids: "0", allow: "10000" },
  // Ubuntu 23.10 and later.
  { name: "kernel.apparmor_restrict_unprivileged_userns", forbids: "1", allow: "0" },
];

/** Whether the sandbox driver needs such namespaces around its spawner: the user is not root. */
export function needsUserNamespace(): boolean {
  return process.platform === "linux" && process.getuid?.() !== 0;
}

/** Why this user cannot have them, in one sentence with what to do about it; undefined when a trial succeeds. */
export async function userNamespaceObstacle(readSetting = readSysctl): Promise<string | undefined> {
  if (findTool(USER_NAMESPACE.program) === undefined) {
    return "unshare not found: install the package util-linux (apt-get install util-linux)";
  }
  const said = await tryNamespace();
  if (said === undefined) return undefined;
  const cannot = "it needs root or user namespaces, and this user cannot make any";
  const setting = SETTINGS.find(({ name, forbids }) => readSetting(name) === forbids);
  if (setting === undefined) return `${cannot} (${said}): start Sluice as root, or where they are not forbidden`;
  const { name, allow } = setting;
  return `${cannot}, since ${name} is ${setting.forbids}: allow them (sysctl -w ${name}=${allow}, as root), or start Sluice as root`;
}

/**
 * Keeps instances apart: a new network namespace takes over whether the host forwards packets. To be called by a
 * process inside. Throws what the file system throws.
 */
export function stopForwarding(): void {
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "0");
}

/** What unshare(1) says when it fails; undefined when it works. */
function tryNamespace(): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(USER_NAMESPACE.program, [...OPTIONS, "true"], { env: { PATH: TOOL_PATH } }, (error, _stdout, stderr) =>
      resolve(error === null ? undefined : stderr.trim() || error.message),
    );
  });
}

/** Undefined where the kernel does not have it. */
function readSysctl(name: string): string | undefined {
  return readOrEmpty(`/proc/sys/${name.replaceAll(".", "/")}`).trim() || undefined;
}
