import { ConnectionFault, ErrorCode } from "../errors.ts";
import { type FieldKind, fieldKind } from "../field-kind.ts";
import { DynamicTable, ENTRY_OVERHEAD_BYTES } from "./dynamic-table.ts";
import { huffmanDecode } from "./huffman.ts";
import { STATIC_NAMES, STATIC_TABLE_LENGTH, STATIC_VALUES } from "./static-table.ts";

/** Takes the fields of a header block, one after the other. */
export interface FieldSink {
  field(name: string, value: string, kind: FieldKind): void;
}

/** A field is judged once, when it enters the table: its kind is kept with it. */
interface Field {
  readonly name: string;
  readonly value: string;
  readonly kind: FieldKind;
  readonly sizeBytes: number;
}

/** A literal as it was sent: its length, its flag, its text. */
interface Literal {
  readonly bytes: Buffer;
  readonly value: string;
  readonly kind: FieldKind;
}

/** Longer literals are decoded each time. */
const KEPT_LITERAL_BYTES = 128;

const STATIC_KINDS = STATIC_NAMES.map((name, index) => fieldKind(name, STATIC_VALUES[index]!));

/** RFC 7541's initial size, in force until our SETTINGS are acknowledged. */
const INITIAL_CAPACITY_BYTES = 4096;

/** More than any length or index that makes sense: RFC 7541 §5.1 asks for a bound. */
const INTEGER_MAX = 2 ** 28;

const NO_BYTES = Buffer.alloc(0);

/** Decodes the header blocks of one direction of a connection, in their order (RFC 7541). */
export class HpackDecoder {
  /** The last literals by index of their names; none on most connections. */
  #literals: Map<number, Literal> | undefined;
  readonly #table = new DynamicTable<Field>(INITIAL_CAPACITY_BYTES);
  #limitBytes = INITIAL_CAPACITY_BYTES;
  #mustShrink = false;
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;

  /** The peer acknowledged our SETTINGS_HEADER_TABLE_SIZE: it must say so if its table is larger (RFC 7541 §4.2). */
  limit(limitBytes: number): void {
    this.#limitBytes = limitBytes;
    this.#mustShrink = this.#table.capacityBytes > limitBytes;
  }

  /** Decodes bytes[start, end), a whole header block. Throws ConnectionFault COMPRESSION_ERROR. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#sizeUpdates();
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      if (first >= 0x80) this.#indexed(sink);
      else if (first >= 0x40) this.#literal(6, true, sink);
      else if (first >= 0x20) throw corrupt("size_update", "§4.2", "a table size update stands behind a field");
      else if (first >= 0x10) this.#literal(4, false, sink);
      else this.#unindexed(sink);
    }
    // An idle connection must not keep the socket's last chunk alive.
    this.#bytes = NO_BYTES;
  }

  /** RFC 7541 §6.3: they stand at the beginning of a block. */
  #sizeUpdates(): void {
    while (this.#at < this.#end && this.#bytes[this.#at]! >> 5 === 1) {
      const capacityBytes = this.#integer(5);
      if (capacityBytes > this.#limitBytes) throw corrupt("table_size", "§6.3", "table size above what we announced");
      this.#table.resize(capacityBytes);
      this.#mustShrink = false;
    }
    if (this.#mustShrink) throw corrupt("table_size", "§4.2", "the table was not reduced to what we announced");
  }

  #indexed(sink: FieldSink): void {
    const index = this.#integer(7);
    if (index > STATIC_TABLE_LENGTH) {
      const field = this.#table.at(index - STATIC_TABLE_LENGTH - 1);
      if (field === undefined) throw corrupt("table_index", "§2.3.3", `there is no table entry ${index}`);
      sink.field(field.name, field.value, field.kind);
      return;
    }
    if (index === 0) throw corrupt("table_index", "§6.1", "index 0");
    sink.field(STATIC_NAMES[index]!, STATIC_VALUES[index]!, STATIC_KINDS[index]!);
  }

  #literal(prefixBits: number, indexing: boolean, sink: FieldSink): void {
    this.#literalNamed(this.#integer(prefixBits), indexing, sink);
  }

  #literalNamed(index: number, indexing: boolean, sink: FieldSink): void {
    const name = index === 0 ? this.#string() : this.#nameAt(index);
    const value = this.#string();
    const kind = fieldKind(name, value);
    if (indexing) {
      this.#table.insert({ name, value, kind, sizeBytes: name.length + value.length + ENTRY_OVERHEAD_BYTES });
    }
    sink.field(name, value, kind);
  }

  /**
   * A literal without indexing (RFC 7541 §6.2.2; one that is never to be indexed may be a secret, and is kept nowhere).
   * Some clients send `:path` and `content-length` so with each call (nghttp2 does): with a name of the static table the
   * bytes of the last one are kept, and where they come again, so do string and kind.
   */
  #unindexed(sink: FieldSink): void {
    const index = this.#integer(4);
    if (index === 0 || index > STATIC_TABLE_LENGTH) {
      this.#literalNamed(index, false, sink);
      return;
    }
    const start = this.#at;
    const name = STATIC_NAMES[index]!;
    const last = this.#literals?.get(index);
    if (last !== undefined && isSameAt(this.#bytes, start, this.#end, last.bytes)) {
      this.#at = start + last.bytes.length;
      sink.field(name, last.value, last.kind);
      return;
    }
    const value = this.#string();
    const kind = fieldKind(name, value);
    if (this.#at - start <= KEPT_LITERAL_BYTES) {
      this.#literals ??= new Map();
      this.#literals.set(index, { bytes: Buffer.from(this.#bytes.subarray(start, this.#at)), value, kind });
    }
    sink.field(name, value, kind);
  }

  #nameAt(index: number): string {
    const name =
      index > STATIC_TABLE_LENGTH ? this.#table.at(index - STATIC_TABLE_LENGTH - 1)?.name : STATIC_NAMES[index];
    if (name === undefined) throw corrupt("table_index", "§2.3.3", `there is no table entry ${index}`);
    return name;
  }

  /** RFC 7541 §5.2. */
  #string(): string {
    const huffman = this.#at < this.#end && this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw corrupt("truncated", "§5.2", "a string runs over the end of the header block");
    this.#at = end;
    if (!huffman) return this.#bytes.toString("latin1", start, end);
    const text = huffmanDecode(this.#bytes, start, end);
    if (text === undefined) throw corrupt("huffman", "§5.2", "bad padding, or EOS inside a string");
    return text;
  }

  /** RFC 7541 §5.1. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    if (this.#at >= this.#end) throw corrupt("truncated", "§5.1", "the header block ends inside a field");
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let scale = 1; ; scale *= 128) {
      if (this.#at >= this.#end) throw corrupt("truncated", "§5.1", "the header block ends inside an integer");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (value > INTEGER_MAX || scale > INTEGER_MAX) throw corrupt("integer", "§5.1", "an integer is too large");
      if (byte < 0x80) return value;
    }
  }
}

/** Whether `expected` stands in bytes[at, end) from the beginning. */
function isSameAt(bytes: Buffer, at: number, end: number, expected: Buffer): boolean {
  const { length } = expected;
  if (end - at < length) return false;
  for (let offset = 0; offset < length; offset++) {
    if (bytes[at + offset] !== expected[offset]) return false;
  }
  return true;
}

function corrupt(token: string, section: string, message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.COMPRESSION_ERROR, `hpack_${token}`, `RFC 7541 ${section}`, message);
}
