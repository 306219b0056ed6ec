/**
 * Abuse budgets of one connection. Each stands where an attack would pay: something cheap to send that costs us work or
 * an answer. A budget is spent by the frame, and refilled by time and by honest work, so that it runs dry only when one
 * side of the trade is missing. The numbers are in options.ts. Where it is dry, the connection ends with ENHANCE_YOUR_CALM.
 */
import { ConnectionFault, ErrorCode } from "./errors.ts";
import type { ConnectionOptions } from "./options.ts";

export class Budget {
  #left: number;
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #token: string;

  constructor(token: string, capacity: number, perSecond: number) {
    this.#left = capacity;
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#token = token;
  }

  /** Throws ConnectionFault when nothing is left. */
  spend(): void {
    if (this.#left < 1) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, this.#token, "RFC 9113 §10.5", "too many such frames");
    }
    this.#left--;
  }

  /** Honest work: gives back `amount`. */
  earn(amount: number): void {
    this.#left = Math.min(this.#capacity, this.#left + amount);
  }

  pass(elapsedMs: number): void {
    this.earn((elapsedMs / 1000) * this.#perSecond);
  }
}

/** What honest work gives back. */
const EARNED = {
  /** Streams that ended well, against early resets: clients cancel a lot, attackers cancel only. */
  resetsPerStream: 1,
  /** grpc clients measure their bandwidth with one PING for each round trip in which data arrives. */
  pingsPerFrameSent: 1,
  /** Each DATA frame may be answered by two updates, its stream's and the connection's (Envoy allows ten times that). */
  windowUpdatesPerDataFrame: 20,
  windowUpdatesPerStream: 2,
  /** A response may cross a reset and a credit for its stream. */
  ignoredPerHeadersSent: 2,
  /** A frame with content pays for an empty one. */
  emptiesPerFrame: 1,
  /** A frame that may hold a whole message pays for one that cannot. */
  crumbsPerMessage: 1,
} as const;

/** The prefix of a gRPC message (gRPC over HTTP/2, "Length-Prefixed-Message"): no message is smaller. */
const CRUMB_BYTES = 5;

export class Budgets {
  /** Early resets (CVE-2023-44487), and resets that the peer provokes (CVE-2025-8671). */
  readonly resets: Budget;
  /** Streams over MAX_CONCURRENT_STREAMS: it may not know the limit yet. */
  readonly refusals: Budget;
  /** CVE-2019-9512. The token is what gRPC clients know: they ping less from then on. */
  readonly pings: Budget;
  /** CVE-2019-9515. */
  readonly settings: Budget;
  readonly windowUpdates: Budget;
  /** DATA, HEADERS and CONTINUATION without content that end nothing: CVE-2019-9518. */
  readonly empties: Budget;
  /**
   * DATA smaller than `CRUMB_BYTES` that ends nothing. A count of small frames alone would hit honest streams of small
   * messages; no frame with a whole gRPC message is a crumb. Bytes that wait are copied together (send-queue.ts), so
   * that crumbs cost time alone, never memory.
   */
  readonly crumbs: Budget;
  /** PRIORITY (CVE-2019-9513), unknown types, ACKs, frames for streams that are over: read and dropped. */
  readonly ignored: Budget;
  readonly #all: readonly Budget[];

  constructor(options: ConnectionOptions) {
    this.resets = new Budget("reset_flood", options.resetsBurst, options.resetsPerSecond);
    this.refusals = new Budget("refused_streams", options.refusedStreamsBurst, options.refusedStreamsPerSecond);
    this.pings = new Budget("too_many_pings", options.pingsBurst, options.pingsPerSecond);
    this.settings = new Budget("settings_flood", options.settingsBurst, options.settingsPerSecond);
    this.windowUpdates = new Budget("window_update_flood", options.windowUpdatesBurst, options.windowUpdatesPerSecond);
    this.empties = new Budget("empty_frames", options.emptyFramesBurst, options.emptyFramesPerSecond);
    this.crumbs = new Budget("data_crumbs", options.crumbsBurst, options.crumbsPerSecond);
    this.ignored = new Budget("ignored_frames", options.ignoredFramesBurst, options.ignoredFramesPerSecond);
    this.#all = [
      this.resets,
      this.refusals,
      this.pings,
      this.settings,
      this.windowUpdates,
      this.empties,
      this.crumbs,
      this.ignored,
    ];
  }

  pass(elapsedMs: number): void {
    for (const budget of this.#all) budget.pass(elapsedMs);
  }

  streamEndedWell(): void {
    this.resets.earn(EARNED.resetsPerStream);
  }

  headersSent(): void {
    this.pings.earn(EARNED.pingsPerFrameSent);
    this.windowUpdates.earn(EARNED.windowUpdatesPerStream);
    this.ignored.earn(EARNED.ignoredPerHeadersSent);
  }

  dataSent(): void {
    this.pings.earn(EARNED.pingsPerFrameSent);
    this.windowUpdates.earn(EARNED.windowUpdatesPerDataFrame);
  }

  /** DATA of `bytes` arrived. */
  dataReceived(bytes: number, endStream: boolean): void {
    if (bytes >= CRUMB_BYTES || endStream) this.crumbs.earn(EARNED.crumbsPerMessage);
    else if (bytes > 0) this.crumbs.spend();
    if (bytes > 0) this.empties.earn(EARNED.emptiesPerFrame);
    else if (!endStream) this.empties.spend();
  }
}
