/**
 * Which two addresses a sandbox gets. A range is cut into pairs (/31, RFC 3021): the even address is the host's end of
 * the link, the odd one the instance's. The name of the host's end follows from the pair, so that two Sluices on one
 * machine that choose the same pair at the same moment are told apart by the kernel: the second name is refused.
 */
export interface LinkAddresses {
  /** Interface on the host, at most 15 characters (IFNAMSIZ). */
  readonly interfaceName: string;
  readonly hostAddress: string;
  readonly instanceAddress: string;
}

/** A block of IPv4 addresses, as whole numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

export class AddressPlan {
  readonly #ranges: readonly AddressRange[];
  readonly #pairCount: number;

  /** Throws an Error that names the range that is not written as ADDRESS/BITS. */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges.map(parseRange);
    this.#pairCount = this.#ranges.reduce((sum, range) => sum + pairsIn(range), 0);
  }

  /** The first pair that no route covers, looking from `start` (any whole number) on; undefined when there is none. */
  choose(start: number, routes: readonly AddressRange[]): LinkAddresses | undefined {
    for (let tried = 0; tried < this.#pairCount; tried++) {
      const pair = (start + tried) % this.#pairCount;
      const first = this.#firstAddress(pair);
      if (routes.some((route) => route.first <= first + 1 && first <= route.last)) continue;
      return {
        interfaceName: `sluice${pair.toString(16).padStart(5, "0")}`,
        hostAddress: formatAddress(first),
        instanceAddress: formatAddress(first + 1),
      };
    }
    return undefined;
  }

  #firstAddress(pair: number): number {
    let left = pair;
    for (const range of this.#ranges) {
      if (left < pairsIn(range)) return range.first + 2 * left;
      left -= pairsIn(range);
    }
    throw new Error(`There is no pair ${pair}`);
  }
}

/**
 * Networks that this host has routes to, from the text of /proc/net/route: columns Destination and Mask are 32 bits in
 * hexadecimal, little-endian. The default route is left out: it covers everything.
 */
export function routedRanges(table: string): AddressRange[] {
  const ranges: AddressRange[] = [];
  for (const line of table.split("\n").slice(1)) {
    const [, destination, , , , , , mask] = line.split(/\s+/);
    if (destination === undefined || mask === undefined || mask === "00000000") continue;
    const first = readLittleEndian(destination);
    ranges.push({ first, last: first + (0xffff_ffff - readLittleEndian(mask)) });
  }
  return ranges;
}

function parseRange(text: string): AddressRange {
  const [, address = "", bits = ""] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(text) ?? [];
  const octets = address.split(".").map(Number);
  const isValid =
    octets.length === 4 && octets.every((octet) => octet <= 255) && Number(bits) >= 8 && Number(bits) <= 31;
  if (!isValid) {
    throw new Error(`networkRanges must hold IPv4 ranges such as 10.201.0.0/16, of 8 to 31 bits, but has ${text}`);
  }
  const size = 2 ** (32 - Number(bits));
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}

function pairsIn(range: AddressRange): number {
  return (range.last - range.first + 1) / 2;
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

function readLittleEndian(hex: string): number {
  return Buffer.from(hex, "hex").readUInt32LE(0);
}
