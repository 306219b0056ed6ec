import { connect, type Socket } from "node:net";
import type { Endpoint } from "./launcher.ts";

/** Opens TCP connections to one instance, without Nagle's delay: a gRPC message is written whole. */
export class Connector {
  readonly #opening = new Set<Socket>();
  #isGone = false;

  /**
   * Rejects with the socket's error, and when the instance is gone. `isToHandOver`: nothing is read from it here, so that
   * no byte is missing to the process that gets it.
   */
  open(endpoint: Endpoint, isToHandOver = false): Promise<Socket> {
    return new Promise((resolve, reject) => {
      if (this.#isGone) {
        reject(goneError());
        return;
      }
      const socket = connect({ ...endpoint, noDelay: true });
      if (isToHandOver) socket.pause();
      this.#opening.add(socket);
      socket.once("error", (error) => {
        this.#opening.delete(socket);
        reject(error);
      });
      socket.once("connect", () => {
        this.#opening.delete(socket);
        socket.removeAllListeners("error");
        resolve(socket);
      });
    });
  }

  /**
   * Ends what is being opened: where the instance had a link of its own nobody answers any more, not even by a refusal,
   * and the kernel would try for two minutes.
   */
  gone(): void {
    this.#isGone = true;
    for (const socket of this.#opening) socket.destroy(goneError());
  }
}

function goneError(): Error {
  return new Error("the instance is gone");
}
