/**
 * Encodes header blocks (RFC 7541), without Huffman: on loopback and in data centres it costs more than it saves.
 *
 * The table is kept still, since each insertion costs both sides: a field is indexed when its value comes a second time,
 * unless its name is known to differ for each call. A name that is spelled out again and again gets one entry, whose
 * name later literals refer to. Credentials are never indexed, and a full table takes a new entry only in the place of
 * one that has not been used for a while.
 */
import type { HeaderList } from "../contract.ts";
import { DynamicTable, ENTRY_OVERHEAD_BYTES } from "./dynamic-table.ts";
import { type EncoderEntry, type KnownName, KnownNames, NO_GUESS } from "./encoder-names.ts";
import { STATIC_TABLE_LENGTH } from "./static-table.ts";

const INITIAL_CAPACITY_BYTES = 4096;

/** First bits of the representations, RFC 7541 §6. */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;

/** A full table evicts only what has not been used for this many header blocks. */
const STILL_USED_BLOCKS = 100;

/** An entry that would fill more than this part of the table is not worth its place. */
const ENTRY_SHARE = 4;

/** Strings up to this length are copied faster here than by a call into native code. */
const SHORT_STRING = 24;

/** Bytes that a field may take beyond its name and value: three integers of at most five bytes. */
const FIELD_OVERHEAD_BYTES = 15;

/** Bytes of two table size updates. */
const UPDATES_BYTES = 10;

/** The block of a list that comes again and again, for as long as the table stays as it was. */
interface CommonBlock {
  readonly headers: HeaderList;
  readonly bytes: Buffer;
  readonly entries: readonly EncoderEntry[];
  readonly tableInserted: number;
}

const NO_BYTES = Buffer.alloc(0);

export class HpackEncoder {
  readonly #names = new KnownNames();
  readonly #table: DynamicTable<EncoderEntry>;
  readonly #ownMaxBytes: number;
  /** Table size updates to announce: the smallest capacity since the last block, and the present one (§4.2). */
  #smallestBytes: number;
  #announces = false;
  #block = 0;
  /** Fields written as literals so far: a block without any says the same until the table changes. */
  #literals = 0;
  #common: CommonBlock | undefined;
  #out: Buffer = NO_BYTES;
  #at = 0;

  /** `ownMaxBytes`: what we use of the table that the peer offers. */
  constructor(ownMaxBytes: number) {
    this.#ownMaxBytes = ownMaxBytes;
    this.#table = new DynamicTable(INITIAL_CAPACITY_BYTES, (entry) => entry.name.remove(entry));
    this.#smallestBytes = INITIAL_CAPACITY_BYTES;
    if (ownMaxBytes < INITIAL_CAPACITY_BYTES) this.offer(INITIAL_CAPACITY_BYTES);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  offer(peerMaxBytes: number): void {
    const capacityBytes = Math.min(peerMaxBytes, this.#ownMaxBytes);
    if (capacityBytes === this.#table.capacityBytes) return;
    this.#smallestBytes = this.#announces ? Math.min(this.#smallestBytes, capacityBytes) : capacityBytes;
    this.#announces = true;
    this.#common = undefined;
    this.#table.resize(capacityBytes);
  }

  /** No block of these headers is longer. */
  static boundBytes(headers: HeaderList): number {
    let bytes = UPDATES_BYTES;
    for (let at = 0; at < headers.length; at += 2) {
      bytes += headers[at]!.length + headers[at + 1]!.length + FIELD_OVERHEAD_BYTES;
    }
    return bytes;
  }

  /** Writes the block to out[at...], where `boundBytes` are free. Returns where it ends. */
  encode(headers: HeaderList, out: Buffer, at: number): number {
    this.#out = out;
    this.#at = at;
    this.#block++;
    if (this.#announces) this.#announce();
    this.#fields(headers);
    return this.#at;
  }

  /**
   * Goes on with a block: writes a list that is never changed and goes with many blocks. Once all of it is in the table,
   * its bytes are copied (what they save: a look-up for each field; encoder.test.ts holds them against `encode`).
   */
  encodeCommon(headers: HeaderList, out: Buffer, at: number): number {
    const table = this.#table;
    const known = this.#common;
    if (known !== undefined && known.headers === headers && known.tableInserted === table.inserted) {
      for (const entry of known.entries) entry.name.use(entry, this.#block);
      out.set(known.bytes, at);
      return at + known.bytes.length;
    }
    this.#out = out;
    this.#at = at;
    const literals = this.#literals;
    this.#fields(headers);
    if (this.#literals === literals) {
      // Not from Node's pool: a few bytes kept there for long keep 8 KiB of others' alive, on every connection.
      const bytes = Buffer.allocUnsafeSlow(this.#at - at);
      bytes.set(out.subarray(at, this.#at));
      this.#common = { headers, bytes, entries: this.#entriesOf(headers), tableInserted: table.inserted };
    }
    return this.#at;
  }

  #entriesOf(headers: HeaderList): EncoderEntry[] {
    const entries: EncoderEntry[] = [];
    for (let index = 0; index < headers.length; index += 2) {
      const entry = this.#names.get(headers[index]!, NO_GUESS).find(headers[index + 1]!);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  #fields(headers: HeaderList): void {
    const { length } = headers;
    for (let index = 0; index < length; index += 2)
      this.#field(headers[index]!, headers[index + 1]!, length * 2 + index);
    // An idle connection must not keep the block that it wrote last alive.
    this.#out = NO_BYTES;
  }

  #announce(): void {
    const { capacityBytes } = this.#table;
    if (this.#smallestBytes < capacityBytes) this.#integer(SIZE_UPDATE, 5, this.#smallestBytes);
    this.#integer(SIZE_UPDATE, 5, capacityBytes);
    this.#announces = false;
  }

  /** `guess`: the same for fields that stand at the same place of lists of the same length. */
  #field(name: string, value: string, guess: number): void {
    const known = this.#names.get(name, guess);
    if (known.policy === "credential") {
      this.#literal(NEVER_INDEXED, 4, known, value);
      return;
    }
    const entry = known.find(value);
    const index = entry === undefined ? known.staticIndexOf(value) : this.#indexOf(entry);
    if (index > 0) {
      if (entry !== undefined) known.use(entry, this.#block);
      this.#integer(INDEXED, 7, index);
    } else if (this.#isWorthIndexing(known, value)) {
      this.#literal(WITH_INDEXING, 6, known, value);
      this.#insert(known, value);
    } else {
      this.#literal(WITHOUT_INDEXING, 4, known, value);
    }
  }

  #isWorthIndexing(known: KnownName, value: string): boolean {
    const table = this.#table;
    const sizeBytes = known.name.length + value.length + ENTRY_OVERHEAD_BYTES;
    if (sizeBytes * ENTRY_SHARE > table.capacityBytes) return false;
    const repeats = known.policy === "repeating" && known.isSecondSight(value);
    if (!repeats && !known.isSpelledAgain()) return false;
    if (table.sizeBytes + sizeBytes <= table.capacityBytes) return true;
    const oldest = table.at(table.length - 1);
    return oldest === undefined || this.#block - oldest.usedInBlock > STILL_USED_BLOCKS;
  }

  #insert(name: KnownName, value: string): void {
    const sizeBytes = name.name.length + value.length + ENTRY_OVERHEAD_BYTES;
    const entry = { sizeBytes, name, value, sequence: this.#table.inserted + 1, usedInBlock: this.#block };
    this.#table.insert(entry);
    name.add(entry);
  }

  #indexOf(entry: EncoderEntry): number {
    return STATIC_TABLE_LENGTH + 1 + this.#table.inserted - entry.sequence;
  }

  #literal(representation: number, prefixBits: number, known: KnownName, value: string): void {
    this.#literals++;
    let nameIndex = known.staticIndex;
    if (nameIndex === 0 && known.latest !== undefined) {
      known.latest.usedInBlock = this.#block;
      nameIndex = this.#indexOf(known.latest);
    }
    this.#integer(representation, prefixBits, nameIndex);
    if (nameIndex === 0) this.#string(known.name);
    this.#string(value);
  }

  /** RFC 7541 §5.2. */
  #string(text: string): void {
    const { length } = text;
    this.#integer(0, 7, length);
    if (length > SHORT_STRING) {
      this.#out.write(text, this.#at, length, "latin1");
      this.#at += length;
      return;
    }
    const out = this.#out;
    let at = this.#at;
    for (let index = 0; index < length; index++) out[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  /** RFC 7541 §5.1. */
  #integer(firstBits: number, prefixBits: number, value: number): void {
    const out = this.#out;
    const mask = (1 << prefixBits) - 1;
    if (value < mask) {
      out[this.#at++] = firstBits | value;
      return;
    }
    out[this.#at++] = firstBits | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) out[this.#at++] = 0x80 | (rest & 0x7f);
    out[this.#at++] = rest;
  }
}
