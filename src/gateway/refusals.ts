import type { Clock, Logger } from "../base/base.ts";

/** A token's lines in the log are at least this far apart. */
const LINE_INTERVAL_MS = 1000;

interface Token {
  count: number;
  /** How many of them the log knows. */
  loggedCount: number;
  loggedAt: number;
}

/**
 * The one place that is told of everything that the gateway refuses or ends because a limit or a rule was passed, each
 * under its stable token (docs/limits.md). Metrics read the counts. The log gets the first of a token at once, with who
 * and why, then at most one line a second with how many there were: a flood of refusals is no flood of lines.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Tokens are names in our code, never what a peer sent: there are as many as there are rules. */
  readonly #tokens = new Map<string, Token>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `from`: address of the client, or id of the instance. `why`: in words, for the log. */
  refused(token: string, from: string, why: string): void {
    const known = this.#tokens.get(token) ?? this.#newToken(token);
    known.count += 1;
    const nowMs = this.#clock.nowMs();
    if (nowMs - known.loggedAt < LINE_INTERVAL_MS) return;
    this.#logger.info("Refused or ended", {
      token,
      from,
      why,
      count: known.count - known.loggedCount,
      total: known.count,
    });
    known.loggedCount = known.count;
    known.loggedAt = nowMs;
  }

  /** To be called about every second: says what came since a token's last line. */
  tick(nowMs: number): void {
    for (const [token, known] of this.#tokens) {
      if (known.count === known.loggedCount || nowMs - known.loggedAt < LINE_INTERVAL_MS) continue;
      this.#logger.info("Refused or ended", { token, count: known.count - known.loggedCount, total: known.count });
      known.loggedCount = known.count;
      known.loggedAt = nowMs;
    }
  }

  /** Refusals of one token since the start. */
  countOf(token: string): number {
    return this.#tokens.get(token)?.count ?? 0;
  }

  /** Refusals by token since the start, as plain data. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#tokens].map(([token, { count }]) => [token, count]));
  }

  #newToken(token: string): Token {
    const fresh = { count: 0, loggedCount: 0, loggedAt: Number.NEGATIVE_INFINITY };
    this.#tokens.set(token, fresh);
    return fresh;
  }
}
