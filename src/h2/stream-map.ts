import type { OpenStream } from "./stream.ts";

/** Slots at first and after a busy time has passed, a power of two. */
const FIRST_SLOTS = 8;
/** A map that is empty and larger than this begins anew. */
const KEPT_SLOTS = 512;

/**
 * Open streams by id: a hash table with linear probing. Ids come in steps of two, so that neighbours have slots of their
 * own. It is used in place of a Map because a Map that streams come to and leave from leaves a table at each rehash that
 * still names them, which the garbage collector takes for alive (see base/roster.ts).
 */
export class StreamMap {
  size = 0;
  #slots: (OpenStream | undefined)[] = [];
  #mask = -1;

  get(id: number): OpenStream | undefined {
    if (this.size === 0) return undefined;
    return this.#slots[this.#find(id)];
  }

  /** Adds a stream whose id is not in the map. */
  add(stream: OpenStream): void {
    if (this.size * 2 > this.#mask) this.#resize(Math.max(FIRST_SLOTS, this.#slots.length * 2));
    this.#slots[this.#find(stream.id)] = stream;
    this.size++;
  }

  /** Whether it was there. */
  delete(stream: OpenStream): boolean {
    if (this.size === 0) return false;
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = this.#find(stream.id);
    if (slots[gap] !== stream) return false;
    slots[gap] = undefined;
    this.size--;
    if (this.size === 0 && mask >= KEPT_SLOTS) this.#resize(FIRST_SLOTS);
    // Those behind the gap that would not be found any more move up into it.
    for (let at = (gap + 1) & mask; slots[at] !== undefined; at = (at + 1) & mask) {
      const moved = slots[at] as OpenStream;
      const home = (moved.id >>> 1) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      slots[gap] = moved;
      slots[at] = undefined;
      gap = at;
    }
    return true;
  }

  /** All streams, as they are now. */
  all(): OpenStream[] {
    return this.#slots.filter((stream) => stream !== undefined);
  }

  /** Where `id` is, or would be put. */
  #find(id: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let at = (id >>> 1) & mask;
    for (let stream = slots[at]; stream !== undefined && stream.id !== id; stream = slots[at]) at = (at + 1) & mask;
    return at;
  }

  #resize(slotCount: number): void {
    const streams = this.all();
    this.#slots = new Array<OpenStream | undefined>(slotCount).fill(undefined);
    this.#mask = slotCount - 1;
    for (const stream of streams) this.#slots[this.#find(stream.id)] = stream;
  }
}
