/**
 * A way out without privileges: for each instance one slirp4netns(1), which reads packets from a tap device in the
 * instance's namespace and opens sockets of its own on the host for them. It runs under a user id of its own, which no
 * function has, with no capability outside of a user namespace that we hold, no file system, and a filter of system
 * calls. To attach the device it needs a network namespace that belongs to that user namespace.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, statSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { dirname } from "node:path";
import type { Clock } from "../../base/base.ts";
import { findTool, TOOL_PATH } from "../host/find-tool.ts";
import { isRunning } from "../host/process-tree.ts";
import { DeniedNetworks } from "./denied-networks.ts";
import type { Egress, EgressNamespace, EgressOptions, WayOut } from "./egress.ts";
import { egressRules } from "./egress-rules.ts";
import { type HeldNamespace, holdNamespace } from "./held-namespace.ts";
import { hasDefaultRoute6 } from "./host-addresses.ts";

const INTERFACE = "egress0";
/**
 * The network between instance and slirp4netns, of which nobody else sees a packet: link-local, since whatever else has
 * these addresses is denied anyhow. The name server in it asks the host's.
 */
const NETWORK = "169.254.2.0/24";
const NAME_SERVER = "169.254.2.3";
const MTU_BYTES = 65_520;
const TUN_DEVICE = "/dev/net/tun";
/** Character device 10, 200 (kernel: networking/tuntap). */
const TUN_NUMBER = "10 200";
const RESTART_MS = 1_000;
const SAID_MAX_CHARACTERS = 2_000;

/** Why this host cannot, in one sentence with what to do; undefined when it can. */
export function userEgressObstacle(): string | undefined {
  if (findTool("slirp4netns") === undefined) {
    return "slirp4netns not found: install the package slirp4netns (apt-get install slirp4netns)";
  }
  const isThere = statSync(TUN_DEVICE, { throwIfNoEntry: false })?.isCharacterDevice() ?? false;
  return isThere ? undefined : `there is no ${TUN_DEVICE}: load the kernel module tun (modprobe tun)`;
}

/** As root. Rejects when no user namespace can be made. */
export async function openUserEgress(options: EgressOptions): Promise<Egress> {
  const { clock, configuration } = options;
  const uid = configuration.uidFirst + configuration.uidCount;
  const owner = await holdNamespace(
    {
      kind: "user",
      maker: ["unshare", "--user"],
      prepare: (pid) => {
        for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${pid}/${map}`, `0 ${uid} 1\n`);
      },
    },
    clock,
  );
  const devices = await openDevices(clock);
  const denied = new DeniedNetworks(options);
  const rules = (networks: readonly string[]) =>
    egressRules({ interfaceName: INTERFACE, nameServers: [NAME_SERVER], denied: networks });
  /** What each rules text denies; there are as many as the host has had sets of addresses. */
  let parked = { networks: denied.now(), text: rules(denied.now()) };
  return {
    kind: "user",
    reason: "",
    owner,
    nameServers: [NAME_SERVER],
    parkedRules() {
      const networks = denied.now();
      if (networks === parked.networks) return parked.text;
      parked = { networks, text: rules(networks) };
      return parked.text;
    },
    attach(namespace) {
      denied.keep(namespace.pid, namespace.parkedRules === parked.text ? parked.networks : []);
      const slirp = new Slirp({ owner, devices }, namespace, options);
      return {
        pids: () => slirp.pids(),
        hurry: () => slirp.hurry(),
        end() {
          denied.leave(namespace.pid);
          slirp.end();
        },
      };
    },
    async close() {
      owner.close();
      devices?.close();
    },
  };
}

/** In which it runs. */
interface SlirpNamespaces {
  readonly owner: HeldNamespace;
  readonly devices: HeldNamespace | undefined;
}

/** slirp4netns for one instance, started again should it end. */
class Slirp implements WayOut {
  readonly #inside: SlirpNamespaces;
  readonly #namespace: EgressNamespace;
  readonly #options: EgressOptions;
  #child: ChildProcess | undefined;
  #isPatient = true;
  #hasEnded = false;

  constructor(inside: SlirpNamespaces, namespace: EgressNamespace, options: EgressOptions) {
    this.#inside = inside;
    this.#namespace = namespace;
    this.#options = options;
    this.#start();
  }

  pids(): readonly number[] {
    const child = this.#child;
    return child?.pid === undefined || child.exitCode !== null || child.signalCode !== null ? [] : [child.pid];
  }

  hurry(): void {
    this.#isPatient = false;
    for (const pid of this.pids()) setPriorityIfThere(pid, constants.priority.PRIORITY_NORMAL);
  }

  end(): void {
    this.#hasEnded = true;
    this.#child?.kill("SIGKILL");
  }

  #start(): void {
    const { clock, logger } = this.#options;
    const { pid } = this.#namespace;
    if (this.#hasEnded || !isRunning(pid)) return;
    const child = this.#spawn(pid);
    if (child === undefined) return;
    this.#child = child;
    if (this.#isPatient && child.pid !== undefined) setPriorityIfThere(child.pid, constants.priority.PRIORITY_LOW);
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-SAID_MAX_CHARACTERS);
    });
    // Its end is told by `close`; without a process there is none.
    child.once("error", (error) => {
      said += error.message;
    });
    child.once("close", () => {
      if (this.#hasEnded || !isRunning(pid)) return;
      logger.warn("slirp4netns of an instance ended and is started again", { said: said.trim() });
      clock.wakeAfter(RESTART_MS, () => this.#start());
    });
  }

  #spawn(pid: number): ChildProcess | undefined {
    let network: number;
    try {
      network = openSync(`/proc/${pid}/ns/net`, "r");
    } catch {
      // The instance has ended in between.
      return undefined;
    }
    try {
      const [program = "", ...rest] = slirpCommand(this.#inside);
      const child = spawn(program, rest, {
        cwd: "/",
        env: { PATH: TOOL_PATH },
        detached: true,
        // 3: it ends when this closes, that is with this process; 4: the namespace.
        stdio: ["ignore", "ignore", "pipe", "pipe", network],
      });
      child.stdio[3]?.on("error", () => {});
      return child;
    } finally {
      closeSync(network);
    }
  }
}

function setPriorityIfThere(pid: number, priority: number): void {
  try {
    setPriority(pid, priority);
  } catch {
    // It has ended this moment.
  }
}

function slirpCommand({ owner, devices }: SlirpNamespaces): string[] {
  const inDevices = devices === undefined ? [] : [`--mount=${devices.path}`];
  return [
    ...["nsenter", ...inDevices, `--user=${owner.path}`, "slirp4netns", "--exit-fd=3", "--netns-type=path"],
    ...["--configure", `--cidr=${NETWORK}`, `--mtu=${MTU_BYTES}`, "--disable-host-loopback"],
    ...(hasDefaultRoute6() ? ["--enable-ipv6"] : []),
    ...["--enable-sandbox", "--enable-seccomp", "/proc/self/fd/4", INTERFACE],
  ];
}

/** udev lets every user open the device; where only root may, a mount namespace in which all may, else undefined. */
async function openDevices(clock: Clock): Promise<HeldNamespace | undefined> {
  const isOpen = (statSync(TUN_DEVICE).mode & 0o006) === 0o006;
  if (isOpen) return undefined;
  const setUp = `mount -t tmpfs -o mode=0755,size=4k sluice ${dirname(TUN_DEVICE)} && mknod -m 666 ${TUN_DEVICE} c ${TUN_NUMBER}`;
  return holdNamespace({ kind: "mnt", maker: ["unshare", "--mount"], setUp }, clock);
}
