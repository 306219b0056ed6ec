/** What has bytes gathered to write. */
export interface Flushable {
  flush(): void;
}

/** Reads in one turn of the loop up to which everything is written at the end of each read. */
const QUIET_READS = 2;

/**
 * Decides when gathered bytes are written. With little traffic at the end of the read that caused them, so that
 * nothing waits; with much, once for a turn of the event loop, so that the frames of many calls share one system call
 * and one TLS record. Which of the two is taken is read off the turn before.
 */
export class FlushQueue {
  #waiting: Flushable[] = [];
  #armed = false;
  #readsInTurn = 0;
  #readsInLastTurn = 0;
  readonly #onError: (error: unknown) => void;

  /** `onError` is told what a `flush` threw; the others are still flushed. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Has `flushable` flushed soon, once. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    this.#arm();
  }

  /** To be called when a socket's chunk has been handled. */
  readEnded(): void {
    this.#readsInTurn += 1;
    if (this.#readsInLastTurn <= QUIET_READS && this.#readsInTurn <= QUIET_READS) this.#flush();
    else this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#armed = false;
    this.#readsInLastTurn = this.#readsInTurn;
    this.#readsInTurn = 0;
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
