import { type Limit, limit } from "../h2/h2.ts";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const COUNT_MAX = 1_000_000;

/** Every limit of the gateway as a whole; those of one HTTP/2 connection are in src/h2/options.ts. Units are in the names. */
export const GATEWAY_LIMITS = {
  connectionsMax: limit(
    10_000,
    1,
    COUNT_MAX,
    "client connections; fewer where the process may not open as many files",
    "ours",
    "connections",
  ),
  connectionsPerAddressMax: limit(
    1_000,
    1,
    COUNT_MAX,
    "client connections from one address (IPv6: one /64), loopback too",
    "ours",
    "connections_per_ip",
  ),
  handshakesPerAddressMax: limit(
    50,
    1,
    COUNT_MAX,
    "client connections from one address (IPv6: one /64) that have not finished their TLS handshake",
    "slowloris",
    "handshakes_per_ip",
  ),
  handshakeTimeoutMs: limit(
    10_000,
    1,
    DAY_MS,
    "from accept to the first byte, and from there to the end of the TLS handshake",
    "slowloris",
    "handshake_timeout",
  ),
  windowMemoryMaxBytes: limit(256 * MIB, 1, 2 ** 40, "memory that grown flow-control windows share", "ours"),
  keptRequestsMaxBytes: limit(64 * MIB, 1, 2 ** 40, "request bytes kept for calls that may be sent again", "ours"),
} as const satisfies Record<string, Limit>;

/** The limits of the gateway as plain numbers. Frozen. */
export type GatewayLimits = { readonly [Name in keyof typeof GATEWAY_LIMITS]: number };

/** Fills in the defaults. Throws RangeError for an unknown name, a value outside its range or no whole number. */
export function gatewayLimits(partial: Partial<GatewayLimits> = {}): GatewayLimits {
  const limits = Object.fromEntries(Object.entries(GATEWAY_LIMITS).map(([name, { value }]) => [name, value]));
  for (const [name, value] of Object.entries(partial)) {
    const known = (GATEWAY_LIMITS as Record<string, Limit>)[name];
    if (known === undefined) throw new RangeError(`there is no limit ${name} of the gateway; they are in limits.ts`);
    if (!Number.isInteger(value) || value < known.min || value > known.max) {
      throw new RangeError(`${name} must be a whole number from ${known.min} to ${known.max}, not ${value}`);
    }
    limits[name] = value;
  }
  return Object.freeze(limits) as GatewayLimits;
}
