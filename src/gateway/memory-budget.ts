import type { MemoryBudget } from "../h2/h2.ts";

/** A number of bytes that many share. */
export class ByteBudget implements MemoryBudget {
  readonly #maxBytes: number;
  #takenBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  tryReserve(bytes: number): boolean {
    if (this.#takenBytes + bytes > this.#maxBytes) return false;
    this.#takenBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#takenBytes -= bytes;
  }
}
