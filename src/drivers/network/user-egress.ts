/**
 * A way out without privileges: for each instance one slirp4netns(1), which reads packets from a tap device in the
 * instance's namespace and opens sockets of its own on the host for them. It runs under a user id of its own, which no
 * function has, with no capability outside of a user namespace that we hold, no file system, and a filter of system
 * calls. To attach the device it needs a network namespace that belongs to that user namespace.
 */
import { statSync } from "node:fs";
import { findTool } from "../host/find-tool.ts";
import { isRunning } from "../host/process-tree.ts";
import { type BackgroundProgram, BackgroundShell } from "./background-shell.ts";
import { DeniedNetworks } from "./denied-networks.ts";
import type { Egress, EgressNamespace, EgressOptions, WayOut } from "./egress.ts";
import { egressRules } from "./egress-rules.ts";
import { hasDefaultRoute6 } from "./host-addresses.ts";
import { networkFile, openNetworkOwner, TUN_DEVICE } from "./network-owner.ts";

const INTERFACE = "egress0";
/**
 * The network between instance and slirp4netns, of which nobody else sees a packet: link-local, since whatever else has
 * these addresses is denied anyhow. The name server in it asks the host's.
 */
const NETWORK = "169.254.2.0/24";
const NAME_SERVER = "169.254.2.3";
const MTU_BYTES = 65_520;

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
  const owner = await openNetworkOwner(uid, clock);
  const shell = new BackgroundShell(["nsenter", ...owner.enter], clock);
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
      const slirp = new Slirp(shell, namespace, options);
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
      shell.close();
      owner.close();
    },
  };
}

/** slirp4netns for one instance, started again should it end. */
class Slirp implements WayOut {
  readonly #shell: BackgroundShell;
  readonly #namespace: EgressNamespace;
  readonly #options: EgressOptions;
  #program: BackgroundProgram | undefined;
  #hasHurried = false;
  #hasEnded = false;

  constructor(shell: BackgroundShell, namespace: EgressNamespace, options: EgressOptions) {
    this.#shell = shell;
    this.#namespace = namespace;
    this.#options = options;
    this.#start();
  }

  pids(): readonly number[] {
    const pid = this.#program?.pid;
    return pid === undefined ? [] : [pid];
  }

  hurry(): void {
    this.#hasHurried = true;
    this.#program?.hurry();
  }

  end(): void {
    this.#hasEnded = true;
    this.#program?.kill();
  }

  #start(): void {
    const { pid, name } = this.#namespace;
    if (name === undefined) throw new Error("a network without a name has no way out in user mode");
    this.#program = this.#shell.run(slirpCommand(networkFile(name)), (said) => {
      if (this.#hasEnded || !isRunning(pid)) return;
      this.#options.logger.warn("slirp4netns of an instance ended and is started again", { said });
      this.#start();
    });
    if (this.#hasHurried) this.#program.hurry();
  }
}

/** It ends when descriptor 3 closes. */
function slirpCommand(network: string): string[] {
  return [
    ...["slirp4netns", "--exit-fd=3", "--netns-type=path"],
    ...["--configure", `--cidr=${NETWORK}`, `--mtu=${MTU_BYTES}`, "--disable-host-loopback"],
    ...(hasDefaultRoute6() ? ["--enable-ipv6"] : []),
    ...["--enable-sandbox", "--enable-seccomp", network, INTERFACE],
  ];
}
