/** The drivers that the contract suite is run for. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock, silentLogger as logger } from "../../base/base.ts";
import { type CgroupBudget, type CgroupTree, noCgroups, openCgroups, treeName } from "../cgroup/cgroup.ts";
import { readMounts } from "../cgroup/mounts.ts";
import { openVersion1 } from "../cgroup/version-1.ts";
import { resolveDriverConfiguration } from "../configuration.ts";
import type { OutputSink } from "../driver.ts";
import { findTool } from "../host/find-tool.ts";
import type { Launcher } from "../local/launcher.ts";
import { LocalDriver } from "../local/local-driver.ts";
import { needsUserNamespace, USER_NAMESPACE } from "../sandbox/user-namespace.ts";
import type { SpawnerSetup } from "../spawner/messages.ts";
import { SpawnerDriver } from "../spawner/spawner-driver.ts";

export const configuration = resolveDriverConfiguration({
  wrongListenGraceMs: 300,
  processesMax: 128,
  networkPoolSize: 2,
});
const budget = { memoryMb: configuration.instanceMemoryMaxMb };
export const isRoot = process.getuid?.() === 0;
export const nodePath = process.execPath;

/** A folder for the disks of one launcher's instances. */
export function scratchFolder(): string {
  const folder = join(tmpdir(), `sluice-test-scratch-${randomUUID()}`);
  // A spawner that a test kills leaves it behind.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Control groups as the spawner would open them. */
export function testCgroups(ofAll: CgroupBudget = budget) {
  return process.platform === "linux" ? openCgroups(treeName(process.pid), ofAll, logger) : noCgroups;
}

/** Why no limits of control groups can be tested here, or false. Where CI is set that is an error instead. */
export function cgroupSkip(): string | false {
  const cgroups = testCgroups();
  cgroups.close();
  if (cgroups.version !== undefined) return false;
  const reason = "there are no control groups for us here";
  if (process.env["CI"] !== undefined && process.env["CI"] !== "") throw new Error(reason);
  return reason;
}

/** Why the groups of a machine without version 2 cannot be tested here, or false: newer systems have no version 1. */
export function version1Skip(): string | false {
  if (!isRoot || process.platform !== "linux") return "not root, or not Linux";
  const { version1 } = readMounts();
  const missing = ["memory", "freezer", "cpuacct"].filter((controller) => !version1.has(controller));
  return missing.length === 0 ? false : `no controller of version 1 for ${missing.join(", ")}`;
}

export function version1Cgroups(): CgroupTree {
  return openVersion1({ ...readMounts(), version2: undefined }, treeName(process.pid), budget).tree;
}

export function localDriver(launcher: Launcher, output: OutputSink): LocalDriver {
  return new LocalDriver({ launcher, clock, output, configuration });
}

/** What a spawner is told, as main would tell it. */
export function spawnerSetup(driver: SpawnerSetup["driver"], useNamespaces = true): SpawnerSetup {
  return {
    driver,
    configuration,
    nodePath,
    scratchFolder: scratchFolder(),
    cgroupTreeName: treeName(process.pid),
    sweeps: true,
    useNamespaces,
    inUserNamespace: driver === "sandbox" && needsUserNamespace(),
  };
}

export function spawnerDriver(
  driver: SpawnerSetup["driver"],
  output: OutputSink,
  useNamespaces = true,
): Promise<SpawnerDriver> {
  return SpawnerDriver.open({ setup: spawnerSetup(driver, useNamespaces), output, logger });
}

/**
 * Why the sandbox driver cannot run here, or false. Where CI is set that is an error instead: there it must be tested.
 */
export function sandboxSkip(tools: readonly string[] = []): string | false {
  const missing = [...tools, "bwrap", "unshare", "setpriv", "ip", "nft"].filter((tool) => findTool(tool) === undefined);
  const reasons = [
    ...(existsSync("/proc/self/ns/net") ? [] : ["not Linux"]),
    ...(missing.length === 0 ? [] : [`not installed: ${missing.join(", ")}`]),
    ...(isRoot || missing.length > 0 || canMakeUserNamespaces() ? [] : ["no user namespaces for this user"]),
  ];
  if (reasons.length === 0) return false;
  const reason = `the sandbox driver cannot be tested here: ${reasons.join("; ")}`;
  if (process.env["CI"] !== undefined && process.env["CI"] !== "") throw new Error(reason);
  return reason;
}

/** Why the sandbox driver cannot run here as root, or false. */
export function rootSandboxSkip(): string | false {
  return sandboxSkip() || (isRoot ? false : "not root");
}

function canMakeUserNamespaces(): boolean {
  return spawnSync(USER_NAMESPACE.program, [...USER_NAMESPACE.arguments, "true"]).status === 0;
}

/** Why functions in the sandbox can have no way out here, or false; an error where CI is set. */
export function egressSkip(): string | false {
  if (!isRoot) return "root makes the networks in which ways out are tried";
  return sandboxSkip(["slirp4netns", "nsenter"]);
}
