import type { Clock } from "../base/base.ts";

/** What has bytes gathered to write. */
export interface Flushable {
  flush(): void;
}

/** A read that begins so soon after the last one ended was waited for by nobody: the loop has much to do. */
const CLOSE_MS = 0.04;

/** Reads in a row, each close to the one before, or in one turn of the loop, that are little traffic still. */
const QUIET_READS = 2;

/** Turns of little traffic after which a busy time is over. */
const QUIET_TURNS = 8;

/**
 * Decides when gathered bytes are written. In a quiet time at the end of the read that caused them, so that nothing
 * waits; in a busy one once for a turn of the event loop, so that the frames of many calls share one system call and
 * one TLS record. Only in a busy time does each turn get an immediate: it costs two waits for events more, which a lone
 * call would pay for twice.
 */
export class FlushQueue {
  #waiting: Flushable[] = [];
  #armed = false;
  #isReading = false;
  #isBusy = false;
  /** Quiet: reads in a row that were close. Busy: reads of this turn. */
  #reads = 0;
  #quietTurns = 0;
  #lastReadEndedAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;

  /** `onError` is told what a `flush` threw; the others are still flushed. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Has `flushable` flushed soon, once. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    if (!this.#isReading) this.#arm();
  }

  /** To be called before a socket's chunk is handled; `readEnded` must follow. */
  readBegins(): void {
    this.#isReading = true;
    if (this.#isBusy) return;
    const isClose = this.#clock.nowMs() - this.#lastReadEndedAt < CLOSE_MS;
    this.#reads = isClose ? this.#reads : 0;
  }

  /** To be called when a socket's chunk has been handled. */
  readEnded(): void {
    this.#isReading = false;
    this.#reads++;
    if (this.#isBusy || this.#reads > QUIET_READS) {
      this.#isBusy = true;
      this.#arm();
    } else {
      this.#flush();
      this.#lastReadEndedAt = this.#clock.nowMs();
    }
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#armed = false;
    if (this.#isBusy) {
      this.#quietTurns = this.#reads > QUIET_READS ? 0 : this.#quietTurns + 1;
      this.#isBusy = this.#quietTurns < QUIET_TURNS;
      this.#reads = 0;
    }
    this.#flush();
  };

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const flushable of waiting) {
      try {
        flushable.flush();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
