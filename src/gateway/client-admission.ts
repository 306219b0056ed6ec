import { isIPv6 } from "node:net";
import type { GatewayLimits } from "./limits.ts";

/** Why a client is not let in. */
export interface Refusal {
  readonly token: string;
  readonly why: string;
}

interface Guests {
  connections: number;
  handshakes: number;
}

/** The place of one client connection, from accept to close. Both methods may be called again: once counts. */
export interface Seat {
  /** The TLS handshake is over. */
  handshakeEnded(): void;
  /** The connection is gone. */
  leave(): void;
}

/**
 * Who may connect: counts client connections, all and by address, and those of an address whose TLS handshake is not
 * over. Asked at accept, before a handshake costs anything. Holds as many entries as addresses are connected.
 */
export class ClientAdmission {
  readonly #limits: GatewayLimits;
  /** Why nobody is let in now. */
  closedFor: Refusal | undefined;
  readonly #guests = new Map<string, Guests>();
  #connections = 0;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
  }

  /** Client connections now, handshakes included. */
  get connections(): number {
    return this.#connections;
  }

  /** Addresses that have a connection now. */
  get addresses(): number {
    return this.#guests.size;
  }

  /** Takes a seat for a client of `address`, or says why there is none. */
  admit(address: string): Seat | Refusal {
    if (this.closedFor !== undefined) return this.closedFor;
    const { connectionsMax, connectionsPerAddressMax, handshakesPerAddressMax } = this.#limits;
    const key = addressKey(address);
    const guests = this.#guests.get(key);
    if (guests !== undefined && guests.handshakes >= handshakesPerAddressMax) {
      return { token: "handshakes_per_ip", why: `${handshakesPerAddressMax} TLS handshakes under way from ${key}` };
    }
    if (guests !== undefined && guests.connections >= connectionsPerAddressMax) {
      return { token: "connections_per_ip", why: `${connectionsPerAddressMax} connections from ${key}` };
    }
    if (this.#connections >= connectionsMax) {
      return { token: "connections", why: `${connectionsMax} client connections` };
    }
    return this.#seat(key, guests ?? this.#firstOf(key));
  }

  #firstOf(key: string): Guests {
    const guests = { connections: 0, handshakes: 0 };
    this.#guests.set(key, guests);
    return guests;
  }

  #seat(key: string, guests: Guests): Seat {
    this.#connections += 1;
    guests.connections += 1;
    guests.handshakes += 1;
    let isShaking = true;
    let isThere = true;
    const handshakeEnded = () => {
      if (isShaking) guests.handshakes -= 1;
      isShaking = false;
    };
    const leave = () => {
      handshakeEnded();
      if (!isThere) return;
      isThere = false;
      this.#connections -= 1;
      guests.connections -= 1;
      if (guests.connections === 0) this.#guests.delete(key);
    };
    return { handshakeEnded, leave };
  }
}

/** What counts as one address: an IPv4 address, also where it comes mapped into IPv6, or the /64 of an IPv6 one. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  const [plain = ""] = address.split("%");
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    // `::` stands for the groups of zeros that are missing to eight (RFC 4291 §2.2).
    const behind = tail === "" ? [] : tail.split(":");
    while (groups.length + behind.length < 8) groups.push("0");
    groups.push(...behind);
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}
