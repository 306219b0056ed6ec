/**
 * One direction-agnostic end of a message channel between two loops (main and worker, main and spawner). Messages are
 * plain data, delivered in order, never lost while both ends live.
 */
export interface Channel<Out, In> {
  post(message: Out): void;
  /** Sets the one receiver; messages that came before are handed to it. */
  onMessage(receive: (message: In) => void): void;
  /** Calls `closed` once when the other end is gone, however it went. */
  onClose(closed: () => void): void;
  close(): void;
}

/** Two joined ends in one loop, for tests and for running parts without their thread. Delivery is in a microtask. */
export function channelPair<A, B>(): [Channel<A, B>, Channel<B, A>] {
  const left = new LocalEnd<A, B>();
  const right = new LocalEnd<B, A>();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class LocalEnd<Out, In> implements Channel<Out, In> {
  peer: LocalEnd<In, Out> | undefined;
  #receive: ((message: In) => void) | undefined;
  #closed: (() => void) | undefined;
  #early: In[] = [];

  post(message: Out): void {
    const peer = this.peer;
    if (peer === undefined) return;
    const copy = structuredClone(message);
    queueMicrotask(() => peer.#deliver(copy));
  }

  onMessage(receive: (message: In) => void): void {
    this.#receive = receive;
    for (const message of this.#early.splice(0)) receive(message);
  }

  onClose(closed: () => void): void {
    this.#closed = closed;
  }

  close(): void {
    const peer = this.peer;
    this.peer = undefined;
    if (peer === undefined) return;
    peer.peer = undefined;
    queueMicrotask(() => peer.#closed?.());
  }

  #deliver(message: In): void {
    if (this.#receive === undefined) this.#early.push(message);
    else this.#receive(message);
  }
}
