import { totalmem } from "node:os";
import { type Limit, limit } from "../h2/h2.ts";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const COUNT_MAX = 1_000_000;

/** What the gateway may take by default: functions get 75 % of the machine, the system needs some, too. */
const MEMORY_SHARE = 0.15;
const MEMORY_MIN_MB = 512;

function defaultMemoryMaxMb(): number {
  // What the process is bound to by its cgroup; 0 or a huge number where it is not.
  const boundBytes = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.max(MEMORY_MIN_MB, Math.floor((Math.min(totalmem(), boundBytes) / MIB) * MEMORY_SHARE));
}

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
  socketStallTimeoutMs: limit(
    60_000,
    1,
    DAY_MS,
    "a client's socket that takes no byte while bytes wait for it",
    "CVE-2019-9511, CVE-2019-9517; nginx send_timeout",
    "socket_stalled",
  ),
  clientSilenceMaxMs: limit(
    60_000,
    1,
    DAY_MS,
    "a client with open calls that says nothing is sent a PING",
    "gRPC keepalive (gRFC A9)",
  ),
  clientPingTimeoutMs: limit(
    20_000,
    1,
    DAY_MS,
    "for a client's answer to that PING; then its calls are cancelled",
    "gRPC keepalive (gRFC A9)",
    "client_unresponsive",
  ),
  connectionAgeMaxMs: limit(
    3_600_000,
    1,
    30 * DAY_MS,
    "age at which a client is asked to connect anew (GOAWAY); calls go on",
    "gRPC MAX_CONNECTION_AGE (gRFC A9)",
    "connection_age",
  ),
  connectionAgeJitterPercent: limit(10, 0, 90, "by which that age differs between connections, up or down", "gRFC A9"),
  idleConnectionTimeoutMs: limit(
    3_600_000,
    1,
    30 * DAY_MS,
    "a client's connection without calls, then it is asked to leave (GOAWAY)",
    "gRPC MAX_CONNECTION_IDLE (gRFC A9)",
    "connection_idle",
  ),
  instanceResetsBurst: limit(
    500,
    1,
    COUNT_MAX,
    "RST_STREAM on one connection to an instance, then calls go over a new one: servers end a connection with too many",
    "half of nghttp2's 1,000 (Node.js and others)",
  ),
  instanceResetsPerSecond: limit(20, 0, COUNT_MAX, "what a second gives back to instanceResetsBurst", "nghttp2's 33"),
  memoryMaxMb: limit(
    defaultMemoryMaxMb(),
    128,
    1_000_000,
    "memory of the process that calls run in, as the system counts it; default: 15 % of this machine's, at least 512",
    "ours",
  ),
  memoryRefuseConnectionsPercent: limit(
    75,
    1,
    100,
    "of memoryMaxMb, from which new connections are refused",
    "Envoy overload manager",
    "memory_connections",
  ),
  memoryRefuseCallsPercent: limit(
    85,
    1,
    100,
    "of memoryMaxMb, from which new calls are refused, and calls end whose bytes nobody takes, the oldest first",
    "Envoy overload manager",
    ["memory_calls", "StalledUnderPressure"],
  ),
  memoryCloseIdlePercent: limit(
    95,
    1,
    100,
    "of memoryMaxMb, from which connections without calls are closed, the idlest first",
    "Envoy overload manager",
    "memory_idle",
  ),
  memoryHysteresisPercent: limit(5, 0, 50, "of memoryMaxMb, by which each of the three ends below its begin", "ours"),
  windowMemoryMaxBytes: limit(256 * MIB, 1, 2 ** 40, "memory that grown flow-control windows share", "ours"),
  invocationAnswersMaxBytes: limit(256 * MIB, 1, 2 ** 40, "answers to InvokeFunction that are on their way", "ours"),
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
