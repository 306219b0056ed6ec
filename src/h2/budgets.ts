/**
 * Abuse budgets of one connection. Each stands where an attack would pay: something cheap to send that costs us work or
 * an answer. A budget is spent by the frame, and refilled by time and by honest work, so that it runs dry only when one
 * side of the trade is missing. Where it is dry, the connection ends with ENHANCE_YOUR_CALM.
 */
import { ConnectionFault, ErrorCode } from "./errors.ts";

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
} as const;

export class Budgets {
  /** Early resets (CVE-2023-44487), and resets that the peer provokes (CVE-2025-8671); numbers of nghttp2. */
  readonly resets = new Budget("reset_flood", 1_000, 33);
  /** Streams over MAX_CONCURRENT_STREAMS: it may not know the limit yet. */
  readonly refusals = new Budget("refused_streams", 100, 1);
  /** CVE-2019-9512. */
  readonly pings = new Budget("ping_flood", 1_000, 10);
  /** CVE-2019-9515. */
  readonly settings = new Budget("settings_flood", 20, 10);
  readonly windowUpdates = new Budget("window_update_flood", 1_000, 100);
  /** DATA, HEADERS and CONTINUATION without content that end nothing: CVE-2019-9518. */
  readonly empties = new Budget("empty_frames", 100, 10);
  /** PRIORITY (CVE-2019-9513), unknown types, ACKs, frames for streams that are over: read and dropped. */
  readonly ignored = new Budget("ignored_frames", 1_000, 100);

  pass(elapsedMs: number): void {
    this.resets.pass(elapsedMs);
    this.refusals.pass(elapsedMs);
    this.pings.pass(elapsedMs);
    this.settings.pass(elapsedMs);
    this.windowUpdates.pass(elapsedMs);
    this.empties.pass(elapsedMs);
    this.ignored.pass(elapsedMs);
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

  contentReceived(): void {
    this.empties.earn(EARNED.emptiesPerFrame);
  }
}
