import type { DriverConfiguration } from "../configuration.ts";
import { isRunning } from "../host/process-tree.ts";
import { BackgroundShell } from "./background-shell.ts";
import type { EgressNamespace, WayOut } from "./egress.ts";
import { type NetworkOwner, networkFile, openNetworkOwner } from "./network-owner.ts";
import { Slirp, type SlirpOptions } from "./slirp.ts";

/** Who starts slirp4netns, in the host's network namespace. */
export interface SlirpHost {
  /** The user namespace in which the instances' network namespaces must be made; undefined: that of this process. */
  readonly owner: NetworkOwner | undefined;
  /** A process in the host's network namespace; undefined: this one. */
  readonly hostPid: number | undefined;
  start(namespace: EgressNamespace): WayOut;
  close(): void;
}

/**
 * As root, by this process: under a user id of its own, which no function has, in a user namespace that we hold. To
 * attach its device it needs network namespaces that belong to that one. Rejects when none can be made.
 */
export async function openSlirpHost(options: SlirpOptions, configuration: DriverConfiguration): Promise<SlirpHost> {
  const { clock } = options;
  const owner = await openNetworkOwner(configuration.uidFirst + configuration.uidCount, clock);
  const shell = new BackgroundShell(["nsenter", ...owner.enter], clock);
  return {
    owner,
    hostPid: undefined,
    start({ pid, name }) {
      if (name === undefined) throw new Error("a network without a name has no way out in user mode");
      return new Slirp(shell, { file: networkFile(name), isThere: () => isRunning(pid) }, options);
    },
    close() {
      shell.close();
      owner.close();
    },
  };
}
