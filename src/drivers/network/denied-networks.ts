/** Which networks functions may not reach, kept up to date in the namespaces of instances as the host's addresses change. */
import type { Clock, Logger, WakeUp } from "../../base/base.ts";
import type { DriverConfiguration } from "../configuration.ts";
import { isRunning } from "../host/process-tree.ts";
import { deniedUpdate } from "./egress-rules.ts";
import { hostNetworks } from "./host-addresses.ts";
import { loadRules } from "./link-firewall.ts";

/** An address that the host has got is denied after this time at most. */
const LOOK_MS = 1_000;
/** What the kernel said is taken for true as long: in a burst of starts to ask it for each costs more than the rest. */
const FRESH_MS = 200;

export interface DeniedNetworksOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configuration: DriverConfiguration;
  /** A process in the host's network namespace; undefined: this one. */
  readonly hostPid: number | undefined;
}

export class DeniedNetworks {
  readonly #options: DeniedNetworksOptions;
  readonly #configured: readonly string[];
  readonly #pids = new Set<number>();
  #last: readonly string[] = [];
  #read: { readonly networks: readonly string[]; readonly atMs: number } | undefined;
  #ofHost: readonly string[] = [];
  #timer: WakeUp | undefined;

  constructor(options: DeniedNetworksOptions) {
    this.#options = options;
    const { egressDenied, networkRanges } = options.configuration;
    this.#configured = [...egressDenied, ...networkRanges];
  }

  /**
   * As ADDRESS/BITS: those configured, all instances, and the host's addresses as they were this moment; the same array as
   * long as they have not been read again.
   */
  now(): readonly string[] {
    const { clock } = this.#options;
    if (this.#read === undefined || clock.nowMs() - this.#read.atMs >= FRESH_MS) this.#readAgain();
    return this.#read!.networks;
  }

  /** Keeps the namespace of process `pid` up to date until `leave`; `then` is what is denied there now. */
  keep(pid: number, then: readonly string[]): void {
    this.#pids.add(pid);
    const now = this.now();
    if (!isSame(then, now)) this.#update(pid, now);
    if (this.#timer !== undefined) return;
    this.#last = now;
    this.#lookLater();
  }

  leave(pid: number): void {
    this.#pids.delete(pid);
    if (this.#pids.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.wakeAfter(LOOK_MS, () => {
      // What a namespace got since is not newer: it is brought up to date here as well.
      const now = this.#readAgain();
      if (!isSame(this.#last, now)) for (const pid of this.#pids) this.#update(pid, now);
      this.#last = now;
      this.#lookLater();
    });
  }

  #readAgain(): readonly string[] {
    const { clock, configuration, hostPid } = this.#options;
    // Where they are not to be read any more those of before stay denied.
    this.#ofHost = hostNetworks(configuration.networkRanges, hostPid) ?? this.#ofHost;
    const networks = [...this.#configured, ...this.#ofHost];
    this.#read = { networks, atMs: clock.nowMs() };
    return networks;
  }

  #update(pid: number, denied: readonly string[]): void {
    loadRules(pid, deniedUpdate(denied)).catch((error: Error) => {
      if (!this.#pids.has(pid) || !isRunning(pid)) return;
      this.#options.logger.error("new addresses of the host are not denied to an instance", { error: error.message });
    });
  }
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left === right || (left.length === right.length && left.every((network, index) => network === right[index]));
}
