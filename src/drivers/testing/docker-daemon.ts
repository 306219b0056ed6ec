/**
 * A Docker daemon for tests, with a folder of its own for all that it keeps, which ends with the process that started it
 * at the latest. It has no bridge and touches no firewall: its containers have no network but what they are given.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep, systemClock } from "../../base/base.ts";
import { openEngine } from "../container/engine.ts";
import { findTool } from "../host/find-tool.ts";

const START_LIMIT_MS = 30_000;
const LOOK_MS = 50;

export interface DockerDaemon {
  /** For DOCKER_HOST. */
  readonly address: string;
  /** Ends it with every container, and removes all that it kept. Idempotent. */
  stop(): Promise<void>;
}

/** Starts one, or says why there can be none here. Where CI is set that is an error instead: there it must be tested. */
export async function startDockerDaemon(): Promise<DockerDaemon | { readonly skip: string }> {
  const reason = await obstacleOrDaemon();
  return typeof reason === "string" ? { skip: skipFor(reason) } : reason;
}

/** Why none can be started here, as far as is to be seen without trying, or false; an error where CI is set. */
export function dockerSkip(): string | false {
  const reason = findObstacle();
  return reason === undefined ? false : skipFor(reason);
}

function skipFor(reason: string): string {
  const skip = `the container driver cannot be tested here: ${reason}`;
  if (process.env["CI"] !== undefined && process.env["CI"] !== "") throw new Error(skip);
  return skip;
}

function findObstacle(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "not root";
  return findTool("dockerd") === undefined ? "dockerd is not installed (Debian's package docker.io)" : undefined;
}

async function obstacleOrDaemon(): Promise<DockerDaemon | string> {
  const obstacle = findObstacle();
  if (obstacle !== undefined) return obstacle;
  const folder = await mkdtemp(join(tmpdir(), "dockerd-test-"));
  const address = `unix://${folder}/docker.sock`;
  const log = join(folder, "log");
  const descriptor = openSync(log, "w");
  const child = spawn(
    "setpriv",
    [
      // SIGTERM, on which it ends its containers, should the test die.
      ...["--pdeathsig", "TERM", "dockerd", "--host", address, "--pidfile", join(folder, "pid")],
      ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
      ...["--iptables=false", "--ip6tables=false", "--bridge=none", "--shutdown-timeout", "1"],
    ],
    { stdio: ["ignore", descriptor, descriptor], detached: true },
  );
  closeSync(descriptor);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= removeNetworks(address).then(() => end(child, folder));
    return stopped;
  };
  const startedAt = systemClock.nowMs();
  while (child.exitCode === null && systemClock.nowMs() - startedAt < START_LIMIT_MS) {
    const answers = await openEngine({ address }).then(
      () => true,
      () => false,
    );
    if (answers) return { address, stop };
    await sleep(systemClock, LOOK_MS);
  }
  const words = (await readFile(log, "utf8")).trim().split("\n").at(-1) ?? "";
  await stop();
  return `dockerd did not start: ${words}`;
}

/** The bridges of networks that a daemon has made stay on the host when it ends. */
async function removeNetworks(address: string): Promise<void> {
  try {
    const { docker } = await openEngine({ address });
    const containers = await docker.listContainers({ all: true });
    await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
    const networks = (await docker.listNetworks()).filter(({ Driver }) => Driver === "bridge");
    await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove()));
  } catch {
    // It does not answer any more.
  }
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  }
  for (const mount of await mountsBelow(folder)) spawnSync("umount", ["--lazy", mount]);
  await rm(folder, { recursive: true, force: true });
}

/** Innermost first. */
async function mountsBelow(folder: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  const mounts = lines.map((line) => line.split(" ")[1] ?? "").filter((mount) => mount.startsWith(`${folder}/`));
  return mounts.reverse();
}
