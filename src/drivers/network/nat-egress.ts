/**
 * A way out through the host's own network: a default route over the link, and one table of ours on the host that
 * translates addresses. Faster than a process for each instance, but it changes the host; so only where asked for.
 */
import { isRunning } from "../host/process-tree.ts";
import { DeniedNetworks } from "./denied-networks.ts";
import type { Egress, EgressNamespace, EgressOptions } from "./egress.ts";
import { ALWAYS_DENIED, egressRules } from "./egress-rules.ts";
import { blockList, isIn } from "./host-addresses.ts";
import { runInNamespace } from "./link-firewall.ts";
import { addNatTable, removeNatTable } from "./nat-table.ts";
import { hostNameServers } from "./resolv-conf.ts";

const INTERFACE = "eth0";

/** The one of this process: packages and images beside them use the same table. */
let shared: { readonly egress: Promise<Egress>; users: number } | undefined;

/** Rejects, with nothing changed, where the table cannot be made. */
export async function openNatEgress(options: EgressOptions): Promise<Egress> {
  shared ??= { egress: makeNatEgress(options), users: 0 };
  const mine = shared;
  const leave = (): number => {
    mine.users -= 1;
    if (mine.users === 0 && shared === mine) shared = undefined;
    return mine.users;
  };
  mine.users += 1;
  try {
    const egress = await mine.egress;
    return {
      ...egress,
      async close() {
        if (leave() === 0) await egress.close();
      },
    };
  } catch (error) {
    leave();
    throw error;
  }
}

async function makeNatEgress(options: EgressOptions): Promise<Egress> {
  const { configuration, logger } = options;
  // The name servers are IPv4, and a BlockList holds each IPv4 address for one of ::ffff:0:0/96.
  const never = blockList([...ALWAYS_DENIED, ...configuration.networkRanges].filter((range) => !range.includes(":")));
  const nameServers = hostNameServers().filter((server) => !isIn(never, server));
  const denied = new DeniedNetworks({ ...options, hostPid: undefined });
  const table = await addNatTable({ nameServers, denied: denied.now() });
  logger.warn("egress nat changes this host until Sluice stops: it forwards packets, and has a table of ours", {
    sysctl: `net.ipv4.ip_forward${table.switchedForwarding ? " (was 0)" : ""}`,
    nftTable: table.name,
  });
  const open = async ({ pid, hostAddress }: EgressNamespace): Promise<void> => {
    const networks = denied.now();
    const rules = egressRules({ interfaceName: INTERFACE, nameServers, denied: networks });
    const script = `nft -f - && ip route add default via ${hostAddress} dev ${INTERFACE}`;
    await runInNamespace(pid, ["/bin/sh", "-c", script], rules);
    if (isRunning(pid)) denied.keep(pid, networks);
  };
  return {
    kind: "nat",
    owner: undefined,
    nameServers,
    parkedRules: () => "",
    attach(namespace) {
      open(namespace).catch((error: Error) => {
        if (!isRunning(namespace.pid)) return;
        logger.error("an instance has no way out to the network", { error: error.message });
      });
      return { pids: () => [], hurry() {}, end: () => denied.leave(namespace.pid) };
    },
    close: () => removeNatTable(table),
  };
}
