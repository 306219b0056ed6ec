import type { Socket } from "node:net";

/** Connections to one instance that another process makes in our place: what was asked for, and what has come of it. */
export class HandOvers {
  readonly #open = new Map<number, PromiseWithResolvers<Socket>>();
  #lastRequest = 0;

  /** `send` passes the number of the request on. Rejects with the other side's error, and when the instance is gone. */
  ask(send: (request: number) => void): Promise<Socket> {
    const request = ++this.#lastRequest;
    const pending = Promise.withResolvers<Socket>();
    this.#open.set(request, pending);
    send(request);
    return pending.promise;
  }

  take(request: number, socket: Socket): void {
    const pending = this.#settle(request);
    if (pending === undefined) socket.destroy();
    else pending.resolve(socket);
  }

  fail(request: number, error: Error): void {
    this.#settle(request)?.reject(error);
  }

  gone(): void {
    for (const request of this.#open.keys()) this.fail(request, new Error("the instance is gone"));
  }

  #settle(request: number): PromiseWithResolvers<Socket> | undefined {
    const pending = this.#open.get(request);
    this.#open.delete(request);
    return pending;
  }
}
