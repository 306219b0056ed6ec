/** What a driver could leave on the host, counted, and a wait for it to be gone. */
import { existsSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { sleep, systemClock } from "../../base/base.ts";
import { isRunning } from "../host/process-tree.ts";
import { listOrNone, readOrEmpty } from "../host/read-or-none.ts";
import { localNetworks4 } from "../network/host-addresses.ts";

/** Processes whose command line or environment contains `text`, zombies left out. */
export function processesNaming(text: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => ["cmdline", "environ"].some((file) => readOrEmpty(`/proc/${pid}/${file}`).includes(text)))
    .filter(isRunning);
}

/** User id of a process. */
export function uidOf(pid: number): number {
  return Number(/^Uid:\t(\d+)/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]);
}

/** Processes of a user, zombies left out. */
export function processesOf(uid: number): number[] {
  return listOrNone("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => uidOf(pid) === uid && isRunning(pid));
}

/** Descendants of this process, zombies left out. */
export function descendants(pid = process.pid): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((other) => isRunning(other) && other !== pid && isBelow(other, pid));
}

const HIERARCHIES = ["memory", "pids", "cpu", "cpuacct", "freezer", "", "unified"];

/** Trees of control groups that a Sluice has made, in all hierarchies. */
function trees(sluicePid: number): string[] {
  return HIERARCHIES.map((hierarchy) => `/sys/fs/cgroup/${hierarchy}`).flatMap((root) =>
    listOrNone(root)
      .filter((name) => name.startsWith(`sluice-${sluicePid}-`))
      .map((name) => `${root}/${name}`),
  );
}

/** How many groups of instances there are in them. */
export function groupCount(sluicePid: number): number {
  const entries = trees(sluicePid).flatMap((tree) => listOrNone(tree).map((entry) => `${tree}/${entry}`));
  return entries.filter((entry) => existsSync(`${entry}/cgroup.procs`)).length;
}

/** Control groups that a Sluice has made, and mounts of this namespace that are its instances'. */
export function remains(sluicePid: number): string[] {
  const mounts = readOrEmpty("/proc/self/mounts")
    .split("\n")
    .filter((line) => /\/sys\/kernel ext4 |sluice-(driver-test|test-scratch)/.test(line));
  return [...trees(sluicePid), ...mounts];
}

/** Files in `folder` behind loop devices of this machine. */
export function loopFiles(folder: string): string[] {
  return listOrNone("/sys/block")
    .map((device) => readOrEmpty(`/sys/block/${device}/loop/backing_file`).trim())
    .filter((file) => file.startsWith(`${folder}/`));
}

const LINK = /^sluice[0-9a-f]{5}$/;

/** Network links that belong to a Sluice. */
export function links(): string[] {
  return Object.keys(networkInterfaces()).filter((name) => LINK.test(name));
}

/**
 * Those whose other end is in the network of one of these processes: an address follows that of the host's end. Not those of
 * other Sluices on this machine.
 */
export function linksOf(pids: readonly number[]): string[] {
  const inside = new Set(pids.flatMap((pid) => localNetworks4(readOrEmpty(`/proc/${pid}/net/fib_trie`))));
  const next = (address: string) => address.replace(/\d+$/, (last) => String(Number(last) + 1));
  return Object.entries(networkInterfaces())
    .filter(([name]) => LINK.test(name))
    .filter(([, addresses = []]) => addresses.some(({ address }) => inside.has(`${next(address)}/32`)))
    .map(([name]) => name);
}

/** On a slow machine (the guest of test/vm): by how much limits of time are longer. */
const PATIENCE_RATIO = Number(process.env["SLUICE_TEST_PATIENCE"] ?? 1);

/** Waits until `check` holds. Throws, with `what`, when it does not within `usualLimitMs`, or longer on a slow machine. */
export async function eventually(what: string, check: () => boolean, usualLimitMs = 2_000): Promise<void> {
  const limitMs = usualLimitMs * PATIENCE_RATIO;
  const startedAt = systemClock.nowMs();
  while (!check()) {
    if (systemClock.nowMs() - startedAt > limitMs) throw new Error(`Not within ${limitMs} ms: ${what}`);
    // The clock's wake-ups do not keep a process alive; a test that waits must.
    const keepAlive = setInterval(() => {}, 1_000);
    await sleep(systemClock, 10);
    clearInterval(keepAlive);
  }
}

function isBelow(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; ) {
    const status = readOrEmpty(`/proc/${at}/stat`);
    at = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
    if (at === ancestor) return true;
  }
  return false;
}
