/** What the kernel holds for an address of this host. */
import { BlockList, isIPv6 } from "node:net";
import { readOrEmpty } from "../host/read-or-none.ts";

/** Flags of an IPv6 route (Linux, uapi/linux/ipv6_route.h and route.h). */
const RTF_LOCAL = 0x8000_0000;
const RTF_ANYCAST = 0x0010_0000;
const RTF_REJECT = 0x0200;

/**
 * Every network, as ADDRESS/BITS, whose packets the host takes for itself, sorted, but for loopback and what lies in
 * `without`. Read from the routing tables and not from the interfaces: these leave out addresses of interfaces that are
 * down, which still answer, and ranges that are local as a whole (ip-route(8), type local). The host's network namespace is
 * that of process `pid`; undefined where that has ended.
 */
export function hostNetworks(without: readonly string[] = [], pid = process.pid): string[] | undefined {
  const excluded = blockList(["127.0.0.0/8", "::1/128", ...without]);
  const trie = readOrEmpty(`/proc/${pid}/net/fib_trie`);
  if (trie === "") return undefined;
  const networks = [...localNetworks4(trie), ...localNetworks6(readOrEmpty(`/proc/${pid}/net/ipv6_route`))];
  return [...new Set(networks)].filter((network) => !isIn(excluded, network.split("/")[0]!)).sort();
}

/** From the text of /proc/net/fib_trie: a line `|-- ADDRESS`, then one `/BITS SCOPE TYPE` for each of its routes. */
export function localNetworks4(trie: string): string[] {
  const networks: string[] = [];
  let address = "";
  for (const line of trie.split("\n")) {
    address = /\|-- (\S+)/.exec(line)?.[1] ?? address;
    const bits = /\/(\d+) \S+ (?:LOCAL|BROADCAST)/.exec(line)?.[1];
    if (bits !== undefined) networks.push(`${address}/${bits}`);
  }
  return networks;
}

/** From the text of /proc/net/ipv6_route: destination, bits, source, bits, gateway, metric, two counts, flags, interface. */
export function localNetworks6(table: string): string[] {
  return routes6(table)
    .filter(({ flags }) => (flags & (RTF_LOCAL | RTF_ANYCAST)) !== 0)
    .map(({ address, bits }) => `${address}/${bits}`);
}

/** Whether the host has a way to all of IPv6. */
export function hasDefaultRoute6(table = readOrEmpty("/proc/self/net/ipv6_route")): boolean {
  return routes6(table).some(({ bits, flags, device }) => bits === 0 && device !== "lo" && (flags & RTF_REJECT) === 0);
}

function routes6(table: string) {
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length === 10)
    .map((fields) => ({
      address: fields[0]!.match(/.{4}/g)!.join(":"),
      bits: Number.parseInt(fields[1]!, 16),
      flags: Number.parseInt(fields[8]!, 16),
      device: fields[9]!,
    }));
}

/** Throws an Error, with the range, when one is not written as ADDRESS/BITS. */
export function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [, address = "", bits = ""] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(range) ?? [];
    try {
      list.addSubnet(address, Number(bits), familyOf(address));
    } catch {
      throw new Error(`expected a range of addresses such as 10.0.0.0/8 or fc00::/7, got ${range}`);
    }
  }
  return list;
}

/** Throws an Error, with the range, when it is not written as ADDRESS/BITS. */
export function checkNetworkRange(range: string): void {
  blockList([range]);
}

export function isIn(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
