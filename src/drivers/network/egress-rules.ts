/** What a function with a way out may not reach by it, as rules for the chain that the firewall of its link leaves open. */
import { isIPv6 } from "node:net";
import { EGRESS_CHAIN, FIREWALL_TABLE } from "./link-firewall.ts";

/**
 * Never reached, whatever is configured. IPv4: "this network", loopback, link-local (metadata services), Alibaba Cloud's
 * metadata service, multicast, reserved and broadcast (RFC 6890). IPv6: unspecified, loopback and what embeds IPv4
 * (RFC 4291 §2.5.5), the well-known NAT64 prefix (RFC 6052), 6to4 (RFC 3056), link-local, site-local, AWS' metadata
 * service, multicast.
 */
export const ALWAYS_DENIED: readonly string[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200/32",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "::ffff:0:0/96",
  "64:ff9b::/96",
  "2002::/16",
  "fe80::/10",
  "fec0::/10",
  "fd00:ec2::254/128",
  "ff00::/8",
];

/** Names of the two sets of denied networks, by whether they hold IPv6. */
const SET_4 = "denied4";
const SET_6 = "denied6";

export interface EgressRulesPlan {
  /** The interface inside of the namespace by which packets go out. */
  readonly interfaceName: string;
  /** Servers that are asked for names although they may lie in a denied network. */
  readonly nameServers: readonly string[];
  /** Networks, as ADDRESS/BITS, beside those that are always denied. */
  readonly denied: readonly string[];
}

/** For `nft -f`, after linkFirewall. What these rules do not let out is refused as that firewall does. */
export function egressRules({ interfaceName, nameServers, denied }: EgressRulesPlan): string {
  const out = `oifname "${interfaceName}"`;
  // RFC 4861 §4: without these no IPv6 packet finds its next hop; they never leave the link.
  const neighbours = "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }";
  return `table ${FIREWALL_TABLE} {
${setText(SET_4, "ipv4_addr")}${setText(SET_6, "ipv6_addr")}  chain ${EGRESS_CHAIN} {
${nameServers.map((server) => nameServerRule(out, server)).join("")}    ${out} ${neighbours} accept
    ip daddr @${SET_4} return
    ip6 daddr @${SET_6} return
    ${out} accept
  }
}
${deniedElements(denied)}`;
}

/** For `nft -f` in a namespace that has the rules above: denies these networks in place of those before, at one moment. */
export function deniedUpdate(denied: readonly string[]): string {
  return `flush set ${FIREWALL_TABLE} ${SET_4}\nflush set ${FIREWALL_TABLE} ${SET_6}\n${deniedElements(denied)}`;
}

/** Those of IPv4 with all that are always denied, as the elements of a set. */
export function deniedSet4(denied: readonly string[]): string {
  const networks = [...ALWAYS_DENIED, ...denied].filter((network) => !isIPv6(network.split("/")[0]!));
  return networks.join(", ");
}

function deniedElements(denied: readonly string[]): string {
  const networks6 = [...ALWAYS_DENIED, ...denied].filter((network) => isIPv6(network.split("/")[0]!));
  return (
    `add element ${FIREWALL_TABLE} ${SET_4} { ${deniedSet4(denied)} }\n` +
    `add element ${FIREWALL_TABLE} ${SET_6} { ${networks6.join(", ")} }\n`
  );
}

function setText(name: string, type: string): string {
  return `  set ${name} {\n    type ${type}; flags interval; auto-merge;\n  }\n`;
}

function nameServerRule(out: string, server: string): string {
  const address = isIPv6(server) ? `ip6 daddr ${server}` : `ip daddr ${server}`;
  return `    ${out} ${address} meta l4proto { tcp, udp } th dport 53 accept\n`;
}
