/** What has more to do than fits into its share of a turn of the event loop. */
export interface TurnTaker {
  nextTurn(): void;
}

/** Has takers go on in the next turn of the loop, after every other socket had its chance to be read. */
export class TurnQueue {
  #waiting: TurnTaker[] = [];

  add(taker: TurnTaker): void {
    if (this.#waiting.length === 0) setImmediate(this.#begin);
    this.#waiting.push(taker);
  }

  readonly #begin = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const taker of waiting) taker.nextTurn();
  };
}
