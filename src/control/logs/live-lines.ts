/** Lines that wait for a reader; beyond it the oldest are left out, and the log file still has them. */
const WAITING_MAX = 10_000;

/** Lines as they arrive, for one reader. */
export class LiveLines {
  #waiting: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  /** Bound, so that it can be given away and taken back. */
  readonly add = (line: string): void => {
    if (this.#ended) return;
    this.#waiting.push(line);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.#wake?.();
  };

  /** The next line; undefined once ended and all are read. */
  async next(): Promise<string | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.#waiting.shift();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
