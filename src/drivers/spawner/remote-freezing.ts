import type { Freezing } from "../cgroup/cgroup.ts";

/** Freezes an instance through the spawner, where main cannot by itself: by the API of a container engine. */
export class RemoteFreezing implements Freezing {
  readonly #send: (type: "freeze" | "thaw", order: number) => void;
  readonly #open = new Map<number, PromiseWithResolvers<void>>();
  #orders = 0;
  #isOver = false;

  constructor(send: (type: "freeze" | "thaw", order: number) => void) {
    this.#send = send;
  }

  freeze(): Promise<void> {
    return this.#order("freeze");
  }

  thaw(): Promise<void> {
    return this.#order("thaw");
  }

  /** The spawner's answer. */
  settle(order: number, error: string | undefined): void {
    const answer = this.#open.get(order);
    this.#open.delete(order);
    if (error === undefined) answer?.resolve();
    else answer?.reject(new Error(error));
  }

  /** No answer comes any more. */
  end(): void {
    this.#isOver = true;
    for (const order of [...this.#open.keys()]) this.settle(order, "it is gone");
  }

  #order(type: "freeze" | "thaw"): Promise<void> {
    if (this.#isOver) return Promise.reject(new Error("it is gone"));
    const order = ++this.#orders;
    const answer = Promise.withResolvers<void>();
    this.#open.set(order, answer);
    this.#send(type, order);
    return answer.promise;
  }
}
