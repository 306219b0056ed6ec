import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** Port of gRPC where a URL names none (Function Compute's gRPC port). */
const DEFAULT_PORT = 8089;

/** Port of a trigger's URL, `https://HOST:PORT`. */
export function portOfUrl(urlInternet: string): number {
  const { port } = new URL(urlInternet);
  return port === "" ? DEFAULT_PORT : Number(port);
}

/**
 * Whether `host`, as this machine's programs resolve it, leads to this machine by every one of its addresses. A name
 * that does not resolve does not; nor does one that a DNS server leads elsewhere.
 */
export async function resolvesToThisMachine(host: string): Promise<boolean> {
  let addresses: string[];
  try {
    addresses = (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return false;
  }
  const own = new Set(
    Object.values(networkInterfaces())
      .flat()
      .map((each) => each?.address),
  );
  return addresses.every((address) => isLoopback(address) || own.has(address));
}

/** Whether an address or name is this machine's loopback. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}
