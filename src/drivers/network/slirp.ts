/**
 * A way out without privileges: slirp4netns(1) reads packets from a tap device in an instance's network namespace and
 * opens sockets of its own on the host for them. It runs with no capability outside of a user namespace of ours, next to
 * no file system, and a filter of system calls.
 */
import { closeSync, openSync, statSync } from "node:fs";
import type { Clock, Logger } from "../../base/base.ts";
import { findTool } from "../host/find-tool.ts";
import type { BackgroundProgram, BackgroundShell } from "./background-shell.ts";
import type { WayOut } from "./egress.ts";
import { hasDefaultRoute6 } from "./host-addresses.ts";
import { TUN_DEVICE } from "./network-owner.ts";

/** Its device, inside. */
export const SLIRP_INTERFACE = "egress0";
/**
 * The network between instance and slirp4netns, of which nobody else sees a packet: link-local, since whatever else has
 * these addresses is denied anyhow. The name server in it asks the host's.
 */
const NETWORK = "169.254.2.0/24";
export const SLIRP_NAME_SERVER = "169.254.2.3";
const MTU_BYTES = 65_520;
/** After its end was seen. */
const RESTART_MS = 100;

/** Why a way out cannot be had, and what gets it, a command where there is one; absent: nothing that is known. */
export interface Obstacle {
  readonly reason: string;
  readonly remedy?: string;
}

/** What stands against ways out in user mode, for the user whom this process runs as; undefined: nothing. */
export function slirpObstacle(): Obstacle | undefined {
  if (findTool("slirp4netns") === undefined) {
    return { reason: "slirp4netns is not installed", remedy: "apt-get install slirp4netns" };
  }
  if (statSync(TUN_DEVICE, { throwIfNoEntry: false })?.isCharacterDevice() !== true) {
    return { reason: `there is no ${TUN_DEVICE}`, remedy: "modprobe tun" };
  }
  try {
    closeSync(openSync(TUN_DEVICE, "r+"));
    return undefined;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const isClosed = code === "EACCES";
    const reason = isClosed ? `only root may open ${TUN_DEVICE}` : `${TUN_DEVICE} cannot be opened (${code})`;
    return { reason, remedy: isClosed ? `chmod 666 ${TUN_DEVICE}, as root` : "modprobe tun" };
  }
}

/** Of an instance. */
export interface SlirpTarget {
  /** Its network namespace, as the shell sees it. */
  readonly file: string;
  /** It has not ended. */
  isThere(): boolean;
}

export interface SlirpOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** slirp4netns for one instance, started by a shell that is where it runs, and again should it end. */
export class Slirp implements WayOut {
  readonly #shell: BackgroundShell;
  readonly #target: SlirpTarget;
  readonly #options: SlirpOptions;
  #program: BackgroundProgram | undefined;
  #hasHurried = false;
  #hasEnded = false;

  constructor(shell: BackgroundShell, target: SlirpTarget, options: SlirpOptions) {
    this.#shell = shell;
    this.#target = target;
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
    if (this.#hasEnded || !this.#target.isThere()) return;
    this.#program = this.#shell.run(slirpCommand(this.#target.file), (said) => {
      if (this.#hasEnded || !this.#target.isThere()) return;
      const { clock, logger } = this.#options;
      logger.warn("slirp4netns of an instance ended and is started again", { said });
      clock.wakeAfter(RESTART_MS, () => this.#start());
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
    ...["--enable-sandbox", "--enable-seccomp", network, SLIRP_INTERFACE],
  ];
}
