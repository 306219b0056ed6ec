/**
 * The names that an encoder met: for each its policy, its place in the static table, its values in the dynamic table,
 * and the values it was last sent with, so that one that comes again is noticed.
 */
import type { TableEntry } from "./dynamic-table.ts";
import { type FieldPolicy, fieldPolicy } from "./field-policy.ts";
import { STATIC_NAME_INDEX, STATIC_VALUE_INDEX } from "./static-table.ts";

/** An entry of the encoder's dynamic table. */
export interface EncoderEntry extends TableEntry {
  readonly name: KnownName;
  readonly value: string;
  /** `inserted` of the table when this entry had been put in: its index follows from it. */
  readonly sequence: number;
  /** The last header block that used it. */
  usedInBlock: number;
}

/** Values remembered for each name, so that a few that take turns are all noticed. */
const CANDIDATES = 4;

/** How often a name is spelled out before it gets an entry. */
const SPELLINGS = 2;

/** Names remembered; all that have no entry are forgotten when there are more. Peers choose names. */
const NAMES_MAX = 128;

/** Guesses kept, a power of two. */
const GUESSES = 128;

/** No guess at all. */
export const NO_GUESS = -1;

export class KnownName {
  readonly name: string;
  readonly policy: FieldPolicy;
  /** 0: the name is not in the static table. */
  readonly staticIndex: number;
  readonly #staticValues: ReadonlyMap<string, number> | undefined;
  /** The value of the static table that was found last, and its index. */
  #staticValue = "";
  #staticValueIndex = 0;
  /** The entry used last: nearly always the one wanted next. */
  latest: EncoderEntry | undefined;
  readonly entries = new Map<string, EncoderEntry>();
  readonly #candidates: string[] = [];
  #nextCandidate = 0;
  #spellings = 0;

  constructor(name: string) {
    this.name = name;
    this.policy = fieldPolicy(name);
    this.staticIndex = STATIC_NAME_INDEX.get(name) ?? 0;
    this.#staticValues = STATIC_VALUE_INDEX.get(name);
  }

  find(value: string): EncoderEntry | undefined {
    const { latest } = this;
    if (latest !== undefined && latest.value === value) return latest;
    return this.entries.size === 0 ? undefined : this.entries.get(value);
  }

  /** Notes that a block refers to this entry. */
  use(entry: EncoderEntry, block: number): void {
    entry.usedInBlock = block;
    this.latest = entry;
  }

  /** The index of name and value in the static table; 0: they are not in it. */
  staticIndexOf(value: string): number {
    if (this.#staticValueIndex > 0 && value === this.#staticValue) return this.#staticValueIndex;
    const index = this.#staticValues?.get(value) ?? 0;
    if (index > 0) {
      this.#staticValue = value;
      this.#staticValueIndex = index;
    }
    return index;
  }

  add(entry: EncoderEntry): void {
    this.entries.set(entry.value, entry);
    this.latest = entry;
  }

  remove(entry: EncoderEntry): void {
    if (this.entries.get(entry.value) === entry) this.entries.delete(entry.value);
    if (this.latest === entry) this.latest = undefined;
  }

  /**
   * Whether this name has no index and was spelled out before: then an entry is worth it for the name alone, whatever
   * becomes of its value.
   */
  isSpelledAgain(): boolean {
    if (this.staticIndex !== 0 || this.latest !== undefined) return false;
    this.#spellings++;
    return this.#spellings > SPELLINGS;
  }

  /** Whether this value was sent not long ago; it is remembered if not. */
  isSecondSight(value: string): boolean {
    if (this.#candidates.includes(value)) return true;
    this.#candidates[this.#nextCandidate] = value;
    this.#nextCandidate = (this.#nextCandidate + 1) % CANDIDATES;
    return false;
  }
}

export class KnownNames {
  readonly #names = new Map<string, KnownName>();
  /** What stood at a place the last time: nearly always what stands there now, found without hashing. */
  #guesses: (KnownName | undefined)[] = [];

  /** `guess`: any number that is the same where the same name is likely, or NO_GUESS. */
  get(name: string, guess: number): KnownName {
    const slot = guess & (GUESSES - 1);
    const guessed = this.#guesses[slot];
    if (guessed !== undefined && guessed.name === name) return guessed;
    const known = this.#names.get(name) ?? this.#add(name);
    if (guess >= 0) this.#remember(slot, known);
    return known;
  }

  #remember(slot: number, known: KnownName): void {
    while (this.#guesses.length <= slot) this.#guesses.push(undefined);
    this.#guesses[slot] = known;
  }

  #add(name: string): KnownName {
    if (this.#names.size >= NAMES_MAX) {
      this.#guesses = [];
      for (const known of this.#names.values()) {
        if (known.entries.size === 0) this.#names.delete(known.name);
      }
    }
    const known = new KnownName(name);
    this.#names.set(name, known);
    return known;
  }
}
