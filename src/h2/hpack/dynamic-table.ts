/** RFC 7541 §4.1: what an entry counts beyond its name and value. */
export const ENTRY_OVERHEAD_BYTES = 32;

/** What the table needs to know of an entry. */
export interface TableEntry {
  readonly sizeBytes: number;
}

/** The dynamic table of RFC 7541 §2.3.2: first in, first out, bounded by the sum of its entries' sizes. */
export class DynamicTable<Entry extends TableEntry> {
  capacityBytes: number;
  sizeBytes = 0;
  /** Entries ever inserted. */
  inserted = 0;
  length = 0;
  #ring: (Entry | undefined)[] = [];
  readonly #onEvict: ((entry: Entry) => void) | undefined;

  constructor(capacityBytes: number, onEvict?: (entry: Entry) => void) {
    this.capacityBytes = capacityBytes;
    this.#onEvict = onEvict;
  }

  /** The entry `age` steps back: 0 is the newest, `length - 1` the oldest. */
  at(age: number): Entry | undefined {
    return age < this.length ? this.#ring[(this.inserted - 1 - age) & (this.#ring.length - 1)] : undefined;
  }

  /** Evicts until the entry fits, and puts it in front; one larger than the table empties it (RFC 7541 §4.4). */
  insert(entry: Entry): void {
    this.#evictTo(this.capacityBytes - entry.sizeBytes);
    if (entry.sizeBytes > this.capacityBytes) return;
    if (this.length === this.#ring.length) this.#enlarge();
    this.#ring[this.inserted & (this.#ring.length - 1)] = entry;
    this.inserted++;
    this.length++;
    this.sizeBytes += entry.sizeBytes;
  }

  /** RFC 7541 §4.3. */
  resize(capacityBytes: number): void {
    this.capacityBytes = capacityBytes;
    this.#evictTo(capacityBytes);
  }

  #evictTo(sizeBytes: number): void {
    while (this.length > 0 && this.sizeBytes > sizeBytes) {
      const slot = (this.inserted - this.length) & (this.#ring.length - 1);
      const entry = this.#ring[slot]!;
      this.#ring[slot] = undefined;
      this.length--;
      this.sizeBytes -= entry.sizeBytes;
      this.#onEvict?.(entry);
    }
  }

  /** The ring's length is a power of two, so that a mask finds the slot of an entry. */
  #enlarge(): void {
    const larger = new Array<Entry | undefined>(Math.max(16, this.#ring.length * 2)).fill(undefined);
    for (let age = 0; age < this.length; age++) larger[(this.inserted - 1 - age) & (larger.length - 1)] = this.at(age);
    this.#ring = larger;
  }
}
