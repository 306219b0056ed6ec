/**
 * Huffman decoding (RFC 7541 §5.2, Appendix B) by a table over half bytes: from the state "inside the code tree at node
 * N", four bits lead to the next node, and pass at most one symbol, since the shortest code has five bits.
 * The code is canonical (codes of one length ascend with the symbols), so the lengths alone define it.
 */
const EOS = 256;

/** Bits of the code of each symbol 0 to 255, then EOS; sixteen in a row. */
const CODE_LENGTHS = `
  13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28
  28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
  6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6
  5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
  13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7
  7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5
  6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
  20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23
  24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
  22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23
  21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
  26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25
  19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
  20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23
  26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
  30
`
  .trim()
  .split(/\s+/)
  .map(Number);

/** Table entry: next node in bits 0-7, symbol in bits 8-15, and these. */
const EMITS = 1 << 16;
/** The bits since the last symbol may be padding: at most seven ones (RFC 7541 §5.2). */
const MAY_END = 1 << 17;
/** EOS inside a string is an error (RFC 7541 §5.2). */
const FAILS = 1 << 18;

const TRANSITIONS = buildTransitions();

/** A node of the code tree: two branches, each a further node or a symbol. */
interface Node {
  readonly id: number;
  readonly branches: [Node | number | undefined, Node | number | undefined];
  readonly mayEnd: boolean;
}

function buildTree(): Node[] {
  const nodes: Node[] = [];
  const add = (depth: number, onlyOnes: boolean): Node => {
    const node: Node = { id: nodes.length, branches: [undefined, undefined], mayEnd: onlyOnes && depth < 8 };
    nodes.push(node);
    return node;
  };
  const root = add(0, true);
  let code = 0;
  let length = 0;
  const bySize = [...CODE_LENGTHS.keys()].sort((a, b) => CODE_LENGTHS[a]! - CODE_LENGTHS[b]! || a - b);
  for (const symbol of bySize) {
    code *= 2 ** (CODE_LENGTHS[symbol]! - length);
    length = CODE_LENGTHS[symbol]!;
    let node = root;
    for (let depth = 1; depth < length; depth++) {
      const bit = Math.floor(code / 2 ** (length - depth)) & 1;
      let next = node.branches[bit];
      if (typeof next !== "object") {
        next = add(depth, isOnes(code, length, depth));
        node.branches[bit] = next;
      }
      node = next;
    }
    node.branches[code & 1] = symbol;
    code++;
  }
  return nodes;
}

function isOnes(code: number, length: number, depth: number): boolean {
  return Math.floor(code / 2 ** (length - depth)) === 2 ** depth - 1;
}

function buildTransitions(): Int32Array {
  const nodes = buildTree();
  const table = new Int32Array(nodes.length * 16);
  for (const start of nodes) {
    for (let half = 0; half < 16; half++) table[start.id * 16 + half] = walk(nodes[0]!, start, half);
  }
  return table;
}

function walk(root: Node, start: Node, half: number): number {
  let node = start;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.branches[(half >> bit) & 1];
    if (next === EOS || next === undefined) return FAILS;
    if (typeof next === "number") entry = EMITS | (next << 8);
    node = typeof next === "number" ? root : next;
  }
  return entry | node.id | (node.mayEnd ? MAY_END : 0);
}

/** Where decoded bytes are put: 8/5 of the longest string of a header block that fits the largest sensible limit. */
let scratch = Buffer.allocUnsafeSlow(4 * 1024);

/** The string that bytes[start, end) encode, or undefined if they encode none (bad padding, EOS). */
export function huffmanDecode(bytes: Buffer, start: number, end: number): string | undefined {
  const needed = Math.ceil(((end - start) * 8) / 5);
  if (scratch.length < needed) scratch = Buffer.allocUnsafeSlow(needed);
  const out = scratch;
  let length = 0;
  let entry = MAY_END;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    entry = TRANSITIONS[((entry & 0xff) << 4) | (byte >> 4)]!;
    if (entry >= EMITS) {
      if ((entry & FAILS) !== 0) return undefined;
      if ((entry & EMITS) !== 0) out[length++] = entry >> 8;
    }
    entry = TRANSITIONS[((entry & 0xff) << 4) | (byte & 0xf)]!;
    if (entry >= EMITS) {
      if ((entry & FAILS) !== 0) return undefined;
      if ((entry & EMITS) !== 0) out[length++] = entry >> 8;
    }
  }
  return (entry & MAY_END) !== 0 ? out.toString("latin1", 0, length) : undefined;
}
