import type { MemoryBudget } from "./contract.ts";
import { UsageError } from "./errors.ts";

interface Limit {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
  readonly source: string;
}

const limit = (value: number, min: number, max: number, meaning: string, source: string): Limit => ({
  value,
  min,
  max,
  meaning,
  source,
});

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_WINDOW = 2 ** 31 - 1;

/** Every limit of a connection: default, smallest and largest value, meaning, source. Units are in the names. */
export const LIMITS = {
  headerListMaxBytes: limit(
    64 * KIB,
    1 * KIB,
    16 * MIB,
    "decoded header list, 32 bytes a field added",
    "RFC 9113 §6.5.2",
  ),
  headerFieldsMax: limit(128, 8, 10_000, "fields of one header list, cookie crumbs counted", "CVE-2026-49975"),
  headerBlockMaxBytes: limit(64 * KIB, 1 * KIB, 16 * MIB, "compressed header block of one message", "CVE-2024-27316"),
  continuationFramesMax: limit(8, 0, 1_000, "CONTINUATION frames of one header block", "CVE-2024-28182"),
  headerBlockTimeoutMs: limit(10_000, 1, 3_600_000, "from the first to the last frame of a header block", "slowloris"),
  firstSettingsTimeoutMs: limit(
    10_000,
    1,
    3_600_000,
    "server role: preface and SETTINGS of the client",
    "RFC 9113 §3.4",
  ),
  decoderTableMaxBytes: limit(4 * KIB, 0, 1 * MIB, "HPACK table that the peer may use", "RFC 7541 §4.2"),
  encoderTableMaxBytes: limit(
    4 * KIB,
    0,
    64 * KIB,
    "what we use of the HPACK table that the peer offers",
    "RFC 7541 §4.2",
  ),
  frameSizeMaxBytes: limit(16 * KIB, 16 * KIB, 2 ** 24 - 1, "payload of one frame that we accept", "RFC 9113 §4.2"),
  settingsEntriesMax: limit(32, 8, 1_000, "entries of one SETTINGS frame", "nghttp2"),
  concurrentStreamsMax: limit(1_000, 0, MAX_WINDOW, "open streams that the peer may have", "RFC 9113 §5.1.2"),
  queuedRepliesMax: limit(1_000, 10, 100_000, "answers (PING, SETTINGS, RST) waiting for the socket", "CVE-2019-9512"),
  streamWindowBytes: limit(256 * KIB, 65_535, MAX_WINDOW, "receive window of a new stream", "RFC 9113 §6.9.2"),
  streamWindowMaxBytes: limit(
    4 * MIB,
    65_535,
    MAX_WINDOW,
    "receive window that a stream may grow to",
    "RFC 9113 §6.9.1",
  ),
  connectionWindowBytes: limit(16 * MIB, 65_535, MAX_WINDOW, "receive window of the connection", "RFC 9113 §6.9.1"),
  resetStreamsRemembered: limit(
    1_000,
    10,
    100_000,
    "streams reset by us whose late frames are let pass",
    "RFC 9113 §5.1",
  ),
  writeBufferMaxBytes: limit(256 * KIB, 16 * KIB, 16 * MIB, "bytes gathered before DATA waits for the socket", "ours"),
  copyBelowBytes: limit(4 * KIB, 0, 64 * KIB, "smaller payloads are copied behind their frame header", "ours"),
} as const satisfies Record<string, Limit>;

/** The limits of a connection as plain numbers, and the budget that grown windows share. Frozen. */
export type ConnectionOptions = { readonly [Name in keyof typeof LIMITS]: number } & {
  readonly memoryBudget: MemoryBudget;
};

const UNLIMITED: MemoryBudget = { tryReserve: () => true, release: () => {} };

/** Fills in the defaults. Throws UsageError for an unknown name, a value outside its range or no whole number. */
export function connectionOptions(partial: Partial<ConnectionOptions>): ConnectionOptions {
  const options: Record<string, unknown> = { memoryBudget: UNLIMITED };
  for (const [name, { value }] of Object.entries(LIMITS)) options[name] = value;
  for (const [name, value] of Object.entries(partial)) {
    if (value === undefined) continue;
    if (name !== "memoryBudget") check(name, value);
    options[name] = value;
  }
  if (Number(options["streamWindowMaxBytes"]) < Number(options["streamWindowBytes"])) {
    throw new UsageError("h2 option streamWindowMaxBytes must not be less than streamWindowBytes");
  }
  return Object.freeze(options) as ConnectionOptions;
}

function check(name: string, value: unknown): void {
  const known = (LIMITS as Record<string, Limit>)[name];
  if (known === undefined) throw new UsageError(`there is no h2 option ${name}; the options are in options.ts`);
  if (!Number.isInteger(value) || (value as number) < known.min || (value as number) > known.max) {
    throw new UsageError(`h2 option ${name} must be a whole number from ${known.min} to ${known.max}, not ${value}`);
  }
}
