/** /etc/resolv.conf (resolv.conf(5)): what an instance gets, and whom the host asks. */
import { isIPv4 } from "node:net";
import type { DnsSettings } from "../../model/model.ts";
import { readOrEmpty } from "../host/read-or-none.ts";

/** Of the host; where the first asks a resolver of the host's own, systemd-resolved has whom that asks in the second. */
const HOST_FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/** The text for a function with a way out; `nameServers` where it names none of its own. */
export function resolvConf(dns: DnsSettings | undefined, nameServers: readonly string[]): string {
  const own = dns?.nameServers ?? [];
  const lines = [
    ...(own.length === 0 ? nameServers : own).map((server) => `nameserver ${server}`),
    ...(dns === undefined || dns.searches.length === 0 ? [] : [`search ${dns.searches.join(" ")}`]),
    ...(dns === undefined || dns.options.length === 0 ? [] : [`options ${dns.options.join(" ")}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** The text for one without: with no server named, the C library asks its own loopback, where nobody listens. */
export const NO_NAME_SERVER = "# No name server: this function has no way out to the network.\n";

/** The IPv4 name servers of the host that can be asked from another network namespace: none on loopback. */
export function hostNameServers(): string[] {
  const servers = HOST_FILES.map((file) => parseNameServers(readOrEmpty(file)));
  return servers.find((list) => list.length > 0) ?? [];
}

export function parseNameServers(text: string): string[] {
  const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server]) => server!);
  return servers.filter((server) => isIPv4(server) && !server.startsWith("127."));
}
