import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { AddressPlan, type LinkAddresses, routedRanges } from "../sandbox/address-plan.ts";

/** Attempts for one link: another Sluice may take the same addresses in between. */
const ATTEMPTS_MAX = 3;

/** Addresses for links, out of ranges that may be in use by others too. */
export class FreeAddresses {
  readonly #ranges: readonly string[];
  readonly #plan: AddressPlan;

  /** Throws an Error that names the range that is not written as ADDRESS/BITS. */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges;
    this.#plan = new AddressPlan(ranges);
  }

  /**
   * What `make` makes of addresses that have no route yet; it is given others when it rejects and `mayRetry` allows it.
   * Rejects with its last error, or when there are none.
   */
  async attempt<T>(make: (addresses: LinkAddresses) => Promise<T>, mayRetry: () => boolean): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const routes = routedRanges(readFileSync("/proc/net/route", "utf8"));
      const addresses = this.#plan.choose(randomInt(2 ** 32), routes);
      if (addresses === undefined) {
        throw new Error(`every address of networkRanges (${this.#ranges.join(", ")}) has a route already`);
      }
      try {
        return await make(addresses);
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !mayRetry()) throw error;
      }
    }
  }
}

/** Commands of ip(8) that make a link: its host's end here, its other end, eth0, in the namespace of process `pid`. */
export function hostEnd({ interfaceName, hostAddress }: LinkAddresses, pid: number): string[] {
  return [
    `link add ${interfaceName} type veth peer name eth0 netns ${pid}`,
    `link set ${interfaceName} addrgenmode none`,
    `addr add ${hostAddress}/31 dev ${interfaceName}`,
    `link set ${interfaceName} up`,
  ];
}

/** Commands of ip(8) for the other end, to be run in its namespace. */
export function instanceEnd({ instanceAddress }: LinkAddresses): string[] {
  return ["link set lo up", `addr add ${instanceAddress}/31 dev eth0`, "link set eth0 up"];
}
