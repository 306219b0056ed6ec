import type { MemoryBudget } from "./contract.ts";
import { UsageError } from "./errors.ts";

export interface Limit {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
  readonly source: string;
  /** The token of the fault where it is passed; empty where nothing ends for it. */
  readonly token: string;
}

/** An entry of a table of limits. */
export const limit = (
  value: number,
  min: number,
  max: number,
  meaning: string,
  source: string,
  token: string | readonly string[] = "",
): Limit => ({
  value,
  min,
  max,
  meaning,
  source,
  token: [token].flat().join(", "),
});

/** The two numbers of a budget (budgets.ts): what it holds, and what time gives back. */
const BURST_MAX = 1_000_000_000;
const burst = (value: number, meaning: string, source: string, token: string): Limit =>
  limit(value, 1, BURST_MAX, meaning, source, token);
const perSecond = (value: number, of: string): Limit =>
  limit(value, 0, BURST_MAX, `what a second gives back to ${of}`, "ours");

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
    ["HeadersTooLarge", "header_list_flood"],
  ),
  headerFieldsMax: limit(128, 8, 10_000, "fields of one header list, cookie crumbs counted", "CVE-2026-49975", [
    "HeadersTooLarge",
    "header_list_flood",
  ]),
  headerBlockMaxBytes: limit(
    64 * KIB,
    1 * KIB,
    16 * MIB,
    "compressed header block of one message",
    "CVE-2024-27316",
    "header_block_size",
  ),
  continuationFramesMax: limit(
    8,
    0,
    1_000,
    "CONTINUATION frames of one header block",
    "CVE-2024-28182",
    "continuation_flood",
  ),
  headerBlockTimeoutMs: limit(
    10_000,
    1,
    3_600_000,
    "from the first to the last frame of a header block",
    "slowloris",
    "header_block_timeout",
  ),
  firstSettingsTimeoutMs: limit(
    10_000,
    1,
    3_600_000,
    "server role: preface and SETTINGS of the client",
    "RFC 9113 §3.4",
    "first_settings_timeout",
  ),
  settingsAckTimeoutMs: limit(
    30_000,
    1,
    3_600_000,
    "server role: until the client acknowledges our SETTINGS",
    "RFC 9113 §6.5.3",
    "settings_ack_timeout",
  ),
  decoderTableMaxBytes: limit(4 * KIB, 0, 1 * MIB, "HPACK table that the peer may use", "RFC 7541 §4.2"),
  encoderTableMaxBytes: limit(
    4 * KIB,
    0,
    64 * KIB,
    "what we use of the HPACK table that the peer offers",
    "RFC 7541 §4.2",
  ),
  frameSizeMaxBytes: limit(
    16 * KIB,
    16 * KIB,
    2 ** 24 - 1,
    "payload of one frame that we accept",
    "RFC 9113 §4.2",
    "frame_size",
  ),
  settingsEntriesMax: limit(32, 8, 1_000, "entries of one SETTINGS frame", "nghttp2", "settings_entries"),
  concurrentStreamsMax: limit(
    1_000,
    0,
    MAX_WINDOW,
    "open streams that the peer may have",
    "RFC 9113 §5.1.2",
    "refused_streams",
  ),
  streamIdMax: limit(
    2 ** 30,
    1,
    MAX_WINDOW,
    "stream id from which on a connection is replaced: GOAWAY to a client, a new connection to an instance",
    "RFC 9113 §5.1.1",
  ),
  queuedRepliesMax: limit(
    1_000,
    10,
    100_000,
    "answers (PING, SETTINGS, RST) waiting for the socket",
    "CVE-2019-9512",
    "queued_replies",
  ),
  streamWindowBytes: limit(
    256 * KIB,
    65_535,
    MAX_WINDOW,
    "receive window of a new stream",
    "RFC 9113 §6.9.2",
    "stream_window",
  ),
  streamWindowMaxBytes: limit(
    4 * MIB,
    65_535,
    MAX_WINDOW,
    "receive window that a stream may grow to",
    "RFC 9113 §6.9.1",
  ),
  connectionWindowBytes: limit(
    16 * MIB,
    65_535,
    MAX_WINDOW,
    "receive window of the connection",
    "RFC 9113 §6.9.1",
    "connection_window",
  ),
  resetStreamsRemembered: limit(
    1_000,
    10,
    100_000,
    "streams reset by us whose late frames are let pass",
    "RFC 9113 §5.1",
    "data_on_closed_stream",
  ),
  writeBufferMaxBytes: limit(256 * KIB, 16 * KIB, 16 * MIB, "bytes gathered before DATA waits for the socket", "ours"),
  copyBelowBytes: limit(4 * KIB, 0, 64 * KIB, "smaller payloads are copied behind their frame header", "ours"),
  resetsBurst: burst(
    1_000,
    "streams that a client resets young and unanswered, or makes us reset; each stream that ends well gives one back",
    "CVE-2023-44487, CVE-2025-8671; nghttp2",
    "reset_flood",
  ),
  resetsPerSecond: perSecond(33, "resetsBurst"),
  refusedStreamsBurst: burst(100, "streams over concurrentStreamsMax", "RFC 9113 §5.1.2", "refused_streams"),
  refusedStreamsPerSecond: perSecond(1, "refusedStreamsBurst"),
  pingsBurst: burst(
    1_000,
    "PING frames; each HEADERS and DATA frame of ours gives one back. gRPC's keepalive stays far below",
    "CVE-2019-9512",
    "too_many_pings",
  ),
  pingsPerSecond: perSecond(10, "pingsBurst"),
  settingsBurst: burst(20, "SETTINGS and GOAWAY frames", "CVE-2019-9515", "settings_flood"),
  settingsPerSecond: perSecond(10, "settingsBurst"),
  windowUpdatesBurst: burst(
    1_000,
    "WINDOW_UPDATE frames; a DATA frame of ours gives back 20, a HEADERS frame 2",
    "Envoy: 5 + 2 x (streams + 10 x DATA frames)",
    "window_update_flood",
  ),
  windowUpdatesPerSecond: perSecond(100, "windowUpdatesBurst"),
  emptyFramesBurst: burst(
    100,
    "DATA, HEADERS and CONTINUATION without content that end nothing; DATA with content gives one back",
    "CVE-2019-9518",
    "empty_frames",
  ),
  emptyFramesPerSecond: perSecond(10, "emptyFramesBurst"),
  crumbsBurst: burst(
    10_000,
    "DATA frames smaller than a gRPC message (5 bytes) that end nothing; each larger one, and each end, gives one back",
    "tiny DATA (2026)",
    "data_crumbs",
  ),
  crumbsPerSecond: perSecond(1_000, "crumbsBurst"),
  ignoredFramesBurst: burst(
    1_000,
    "PRIORITY, unknown frames, ACKs and frames of streams that are over; a HEADERS frame of ours gives back 2",
    "CVE-2019-9513",
    "ignored_frames",
  ),
  ignoredFramesPerSecond: perSecond(100, "ignoredFramesBurst"),
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
