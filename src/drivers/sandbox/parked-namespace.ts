/**
 * A network namespace that waits for an instance: a parked shell holds it, alone in a pid namespace, and reads from its
 * standard input what to become. It is held by a process, never by a file, so that nothing of it outlives the spawner;
 * with the namespace the kernel removes both ends of its link.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { Clock } from "../../base/base.ts";
import { type Cgroup, type CgroupTree, removeCgroup } from "../cgroup/cgroup.ts";
import { descendant, killInside, spawnNamespacedShell } from "../local/namespaced-shell.ts";
import type { Egress } from "../network/egress.ts";
import { hostEnd, instanceEnd } from "../network/free-addresses.ts";
import type { IpSession } from "../network/ip-session.ts";
import { linkFirewall } from "../network/link-firewall.ts";
import type { LinkAddresses } from "./address-plan.ts";
import type { SandboxIdentity } from "./identity.ts";
import type { NetworkMaker } from "./new-network.ts";
import type { ScratchDisk, ScratchDisks } from "./scratch-disks.ts";

const SET_UP_LIMIT_MS = 10_000;

export interface ParkedNamespace {
  readonly child: ChildProcess;
  readonly addresses: LinkAddresses;
  /** The shell itself, in the new namespaces; keeps its pid when it becomes another program. */
  readonly shellPid: number;
  /** The shell is in it already: to join a control group waits for all processors, some milliseconds. */
  readonly cgroup: Cgroup;
  /** Size of the disk for /tmp that is mounted in it, in MB; undefined: none. */
  readonly diskMb: number | undefined;
  /** Of its network; see EgressNamespace. */
  readonly name: string | undefined;
  /** What it has for a way out; see Egress. */
  readonly egressRules: string;
}

/** What namespaces are made with. */
export interface ParkingPlace {
  readonly networks: NetworkMaker;
  /** Makes the host's ends of links. */
  readonly links: IpSession;
  readonly cgroups: CgroupTree;
  readonly clock: Clock;
  readonly disks: ScratchDisks | undefined;
  readonly identity: SandboxIdentity;
  readonly egress: Egress;
}

/** Of the disk that is mounted ahead: Function Compute's diskSize where none is configured. */
export const PARKED_DISK_MB = 512;

/** Makes one. Rejects, with nothing left behind, when the interface name is taken or anything else fails. */
export async function parkNamespace(
  { networks, links, cgroups, clock, disks, identity, egress }: ParkingPlace,
  addresses: LinkAddresses,
): Promise<ParkedNamespace> {
  const { interfaceName, hostAddress } = addresses;
  const network = await networks.make();
  let disk: ScratchDisk | undefined;
  let shellOf: { readonly child: ChildProcess; readonly cgroup: Cgroup } | undefined;
  try {
    disk = await disks?.take(PARKED_DISK_MB);
    // Its own /proc as well: bubblewrap looks there for its child, whose pid is of this namespace.
    const namespaces = [...identity.shellNamespaces, ...network.namespaces, "--mount", "--mount-proc"];
    const child = spawnNamespacedShell(namespaces, network.within);
    child.once("exit", () => network.close());
    const cgroup = cgroups.create(interfaceName);
    shellOf = { child, cgroup };
    const shell = new ShellDialogue(child, clock);
    await shell.run(disk?.mount ?? ":");
    const shellPid = descendant(child, 1);
    if (shellPid === undefined) throw new Error("the parked shell has no pid");
    const egressRules = egress.parkedRules();
    const firewall = linkFirewall({ interfaceName: "eth0", hostAddress }) + egressRules;
    const link = async (): Promise<void> => {
      await links.run(hostEnd(addresses, shellPid));
      const steps = [
        `ip -batch - <<'END'\n${instanceEnd(addresses).join("\n")}\nEND`,
        `nft -f - <<'END'\n${firewall}END`,
      ];
      await shell.run([...identity.shellLines, ...steps].join("\n"));
    };
    await settled([link(), ...join(shellPid, cgroup)]);
    shell.leave();
    const { name } = network;
    return { child, addresses, shellPid, cgroup, diskMb: disks && PARKED_DISK_MB, name, egressRules };
  } catch (error) {
    if (shellOf !== undefined) {
      const { child, cgroup } = shellOf;
      child.once("exit", () => removeGroup(cgroup));
      killInside(child);
    } else {
      network.close();
    }
    throw error;
  } finally {
    disk?.unlink();
  }
}

/**
 * Into all hierarchies at once: for each the kernel waits until no processor is in the middle of a fork, but those who come
 * while somebody waits wait no longer than he does.
 */
function join(pid: number, { joinFiles }: Cgroup): Promise<void>[] {
  return joinFiles.map((file) => writeFile(file, String(pid)));
}

/** Rejects with the first failure, once all have ended. */
async function settled(works: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}

/** Ends one that has not become an instance, with its control group. Resolves when nothing of it is left. */
export async function endParked({ child, cgroup }: ParkedNamespace): Promise<void> {
  const exited = once(child, "exit");
  killInside(child);
  await exited;
  removeGroup(cgroup);
}

/** Once its shell has ended without having become an instance. */
export function removeGroup(cgroup: Cgroup): void {
  for (const folder of cgroup.folders) removeCgroup(folder);
}

/** Runs commands in a shell one at a time; a word on its standard output tells that one has succeeded. */
class ShellDialogue {
  readonly #child: ChildProcess;
  readonly #clock: Clock;

  constructor(child: ChildProcess, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
  }

  run(command: string): Promise<void> {
    const { stdin, stdout, stderr } = this.#child;
    return new Promise((resolve, reject) => {
      let said = "";
      const settle = (error?: Error): void => {
        wakeUp.cancel();
        stdout!.off("data", onData);
        stderr!.off("data", onError);
        this.#child.off("exit", onExit).off("error", settle);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onData = (): void => settle();
      const onError = (chunk: Buffer): void => {
        said += chunk.toString();
      };
      const onExit = (): void => settle(new Error(`a network namespace cannot be set up: ${said.trim()}`));
      const wakeUp = this.#clock.wakeAfter(SET_UP_LIMIT_MS, () =>
        settle(new Error(`a network namespace was not set up within ${SET_UP_LIMIT_MS} ms`)),
      );
      stdout!.once("data", onData);
      stderr!.on("data", onError);
      this.#child.once("exit", onExit).once("error", settle);
      stdin!.write(`{ set -e\n${command}\n}\necho done\n`);
    });
  }

  /** Leaves the output unread, for whoever takes the shell over. */
  leave(): void {
    this.#child.stdout!.pause();
    this.#child.stderr!.pause();
  }
}
