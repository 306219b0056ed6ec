import type { FunctionKey } from "../../model/model.ts";

interface Entry {
  readonly uid: number;
  instances: number;
}

/** Gives every function a user id of its own, so that none can signal or trace another. */
export class UidTable {
  readonly #first: number;
  readonly #count: number;
  readonly #entries = new Map<FunctionKey, Entry>();

  constructor(first: number, count: number) {
    this.#first = first;
    this.#count = count;
  }

  /**
   * The uid for one more instance of `key`, to be given back with `release`. A function keeps its uid for as long as
   * there are unused ones; undefined when all belong to functions with instances.
   */
  take(key: FunctionKey): number | undefined {
    const entry = this.#entries.get(key) ?? this.#add(key);
    if (entry !== undefined) entry.instances += 1;
    return entry?.uid;
  }

  release(key: FunctionKey): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.instances -= 1;
  }

  #add(key: FunctionKey): Entry | undefined {
    const uid = this.#entries.size < this.#count ? this.#first + this.#entries.size : this.#takeOver();
    if (uid === undefined) return undefined;
    const entry: Entry = { uid, instances: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #takeOver(): number | undefined {
    for (const [key, entry] of this.#entries) {
      if (entry.instances > 0) continue;
      this.#entries.delete(key);
      return entry.uid;
    }
    return undefined;
  }
}
