/** What a queued item carries, so that queueing allocates nothing and leaving from the middle takes constant time. */
export interface QueueLinks<T> {
  queuePrevious: T | undefined;
  queueNext: T | undefined;
  /** The queue that it is in; undefined: none. */
  queuedIn: unknown;
}

/** First-in first-out queue of items that hold their own links; an item is in at most one such queue. */
export class LinkedQueue<T extends QueueLinks<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first;
  }

  push(item: T): void {
    if (item.queuedIn !== undefined) throw new Error("Cannot queue an item twice");
    item.queuedIn = this;
    item.queuePrevious = this.#last;
    item.queueNext = undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.queueNext = item;
    this.#last = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    const item = this.#first;
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Takes `item` out, wherever it stands; does nothing when it is not in this queue. */
  remove(item: T): void {
    if (item.queuedIn !== this) return;
    if (item.queuePrevious === undefined) this.#first = item.queueNext;
    else item.queuePrevious.queueNext = item.queueNext;
    if (item.queueNext === undefined) this.#last = item.queuePrevious;
    else item.queueNext.queuePrevious = item.queuePrevious;
    item.queuePrevious = undefined;
    item.queueNext = undefined;
    item.queuedIn = undefined;
    this.#length -= 1;
  }
}
