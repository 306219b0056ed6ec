import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Hands out ports of a range: none twice at once, none on which something of this host listens. */
export class PortTable {
  readonly #first: number;
  readonly #count: number;
  readonly #taken = new Set<number>();

  constructor(first: number, count: number) {
    this.#first = first;
    this.#count = count;
  }

  /** A free port, to be given back with `release`. Rejects when there is none. */
  async take(): Promise<number> {
    const offset = randomInt(this.#count);
    for (let tried = 0; tried < this.#count; tried++) {
      const port = this.#first + ((offset + tried) % this.#count);
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      if (await isFree(port)) return port;
      this.#taken.delete(port);
    }
    throw new Error(`no port from ${this.#first} to ${this.#first + this.#count - 1} is free`);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}

/** Without a host Node binds `::` and `0.0.0.0` together, so that a listener on either is noticed. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
