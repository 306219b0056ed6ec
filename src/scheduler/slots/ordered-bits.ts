/** Bits of a word, and the shift from a number to its word. */
const WORD_BITS = 32;
const WORD_SHIFT = 5;

/**
 * A set of whole numbers from 0 to `size - 1` that knows its smallest member. A tree of bit words: a bit of an upper
 * level says that the word below holds something, so that 32,768 numbers are three words to look at.
 */
export class OrderedBits {
  /** The members first, then what summarises them; the last level is one word. */
  readonly #levels: Uint32Array[] = [];
  readonly #size: number;

  /** Takes its memory with the first member: of many functions most never have an instance. */
  constructor(size: number) {
    this.#size = size;
  }

  #makeLevels(): void {
    let words = this.#size;
    do {
      words = Math.ceil(words / WORD_BITS);
      this.#levels.push(new Uint32Array(words));
    } while (words > 1);
  }

  add(member: number): void {
    if (this.#levels.length === 0) this.#makeLevels();
    let index = member;
    for (const level of this.#levels) {
      const word = index >>> WORD_SHIFT;
      const before = level[word]!;
      level[word] = before | (1 << (index & (WORD_BITS - 1)));
      // The levels above know of this word already.
      if (before !== 0) return;
      index = word;
    }
  }

  delete(member: number): void {
    let index = member;
    for (const level of this.#levels) {
      const word = index >>> WORD_SHIFT;
      const left = level[word]! & ~(1 << (index & (WORD_BITS - 1)));
      level[word] = left;
      if (left !== 0) return;
      index = word;
    }
  }

  /** The smallest member; -1: there is none. */
  first(): number {
    if (this.#levels.length === 0) return -1;
    let index = 0;
    for (let depth = this.#levels.length - 1; depth >= 0; depth--) {
      const word = this.#levels[depth]![index]!;
      if (word === 0) return -1;
      index = (index << WORD_SHIFT) | (WORD_BITS - 1 - Math.clz32(word & -word));
    }
    return index;
  }
}
