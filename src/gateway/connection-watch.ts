import type { GatewayLimits } from "./limits.ts";

/** What is seen of a client's connection at a tick. */
export interface ConnectionView {
  readonly openStreams: number;
  /** Changes with each stream that the client opens. */
  readonly lastPeerStreamId: number;
  readonly lastReceivedAtMs: number;
  /** -1: no PING of ours waits for its answer. */
  readonly pingOutstandingSinceMs: number;
  /** Bytes given to the socket, and those of them that the system has not taken yet. */
  readonly givenBytes: number;
  readonly untakenBytes: number;
}

/**
 * What to do about a connection. `leave`: ask the client to go, open calls go on; `end`: it is dead or harmful, and its
 * calls are cancelled.
 */
export type Verdict =
  | { readonly kind: "fine" }
  | { readonly kind: "ping" }
  | { readonly kind: "leave" | "end"; readonly token: string; readonly why: string };

const FINE: Verdict = { kind: "fine" };
const PING: Verdict = { kind: "ping" };

/**
 * Watches one client's connection on the scale of seconds: its age, whether it is used, whether its client still lives,
 * whether its socket takes what it is given. Decides only; the connection acts.
 */
export class ConnectionWatch {
  readonly #limits: GatewayLimits;
  readonly #leavesAt: number;
  #usedAt: number;
  #lastPeerStreamId = 0;
  #takenAt: number;
  #takenBytes = 0;
  #leaves = false;

  /** `jitter`, from 0 to 1, spreads the age: clients that came together shall not leave together. */
  constructor(limits: GatewayLimits, nowMs: number, jitter: number) {
    this.#limits = limits;
    this.#usedAt = nowMs;
    this.#takenAt = nowMs;
    const { connectionAgeMaxMs, connectionAgeJitterPercent } = limits;
    const spreadMs = (connectionAgeMaxMs * connectionAgeJitterPercent) / 100;
    this.#leavesAt = nowMs + connectionAgeMaxMs + Math.round((jitter * 2 - 1) * spreadMs);
  }

  /** When a call was last open, as far as looks tell. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** To be called about every second. `leave` is said once. */
  look(view: ConnectionView, nowMs: number): Verdict {
    return this.#stall(view, nowMs) ?? this.#silence(view, nowMs) ?? this.#departure(view, nowMs) ?? FINE;
  }

  /** Slow read (CVE-2019-9511, 9517): the peer's window says that it wants bytes, its socket takes none. */
  #stall({ givenBytes, untakenBytes }: ConnectionView, nowMs: number): Verdict | undefined {
    const takenBytes = givenBytes - untakenBytes;
    if (untakenBytes === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenAt = nowMs;
      return undefined;
    }
    const { socketStallTimeoutMs } = this.#limits;
    if (nowMs - this.#takenAt < socketStallTimeoutMs) return undefined;
    const why = `the socket took no byte for ${socketStallTimeoutMs} ms, ${untakenBytes} wait`;
    return { kind: "end", token: "socket_stalled", why };
  }

  /**
   * With calls open, a client that says nothing may be gone without a word (power, NAT): a PING asks. Without calls a
   * dead client costs a socket until the connection counts as idle.
   */
  #silence({ openStreams, lastReceivedAtMs, pingOutstandingSinceMs: pingedAt }: ConnectionView, nowMs: number) {
    const { clientSilenceMaxMs, clientPingTimeoutMs } = this.#limits;
    if (pingedAt >= 0) {
      if (nowMs - Math.max(pingedAt, lastReceivedAtMs) < clientPingTimeoutMs) return undefined;
      const why = `no answer to a PING within ${clientPingTimeoutMs} ms`;
      return { kind: "end", token: "client_unresponsive", why } as const;
    }
    return openStreams > 0 && nowMs - lastReceivedAtMs >= clientSilenceMaxMs ? PING : undefined;
  }

  /** Invariant 10: never cuts a call. */
  #departure({ openStreams, lastPeerStreamId }: ConnectionView, nowMs: number): Verdict | undefined {
    if (openStreams > 0 || lastPeerStreamId !== this.#lastPeerStreamId) this.#usedAt = nowMs;
    this.#lastPeerStreamId = lastPeerStreamId;
    if (this.#leaves) return undefined;
    const { idleConnectionTimeoutMs, connectionAgeMaxMs } = this.#limits;
    const isIdle = nowMs - this.#usedAt >= idleConnectionTimeoutMs;
    if (!isIdle && nowMs < this.#leavesAt) return undefined;
    this.#leaves = true;
    if (isIdle) return { kind: "leave", token: "connection_idle", why: `no call for ${idleConnectionTimeoutMs} ms` };
    return { kind: "leave", token: "connection_age", why: `older than about ${connectionAgeMaxMs} ms` };
  }
}
