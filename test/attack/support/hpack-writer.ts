/**
 * Header blocks as an attacker writes them: each representation of RFC 7541 §6 by hand, so that a block may hold what no
 * encoder would make of a header list.
 */

/** RFC 7541 §5.1: a number behind the bits that say what it is. */
function integer(firstBits: number, prefixBits: number, value: number): Buffer {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return Buffer.from([firstBits | value]);
  const bytes = [firstBits | mask];
  let rest = value - mask;
  for (; rest >= 128; rest >>= 7) bytes.push(128 | (rest & 127));
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** RFC 7541 §5.2, without Huffman. */
function string(text: string): Buffer {
  return Buffer.concat([integer(0, 7, text.length), Buffer.from(text, "latin1")]);
}

/** The first entry of the dynamic table (RFC 7541 §2.3.3). */
export const FIRST_DYNAMIC_INDEX = 62;

/** RFC 7541 §6.1: one byte for a whole field, where the index is small. */
export function indexed(index: number): Buffer {
  return integer(0x80, 7, index);
}

/** RFC 7541 §6.2.1: a literal that enters the table. */
export function remembered(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), string(name), string(value)]);
}

/** RFC 7541 §6.3. */
export function tableSize(bytes: number): Buffer {
  return integer(0x20, 5, bytes);
}

export function repeated(field: Buffer, times: number): Buffer {
  return Buffer.alloc(field.length * times, field);
}
