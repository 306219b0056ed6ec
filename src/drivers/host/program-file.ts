/** What kind of program a file is, from its first bytes. */
import { closeSync, openSync, readSync } from "node:fs";

export type ProgramFile =
  /** `machine` is e_machine of the ELF header; `interpreter` the dynamic loader, absent in a static program. */
  | { readonly kind: "elf"; readonly machine: number; readonly interpreter?: string }
  | { readonly kind: "macho" }
  | { readonly kind: "pe" }
  /** A text with a `#!` line; `interpreter` is its program, as written there. */
  | { readonly kind: "script"; readonly interpreter: string }
  | { readonly kind: "unknown" };

/** Enough for the header, the program headers and the loader's name of what linkers make. */
const HEAD_BYTES = 4096;
const MACHO_MAGICS: readonly number[] = [0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe];
/** p_type of the program header that names the dynamic loader (elf(5)). */
const PT_INTERP = 3;

/** Reads the kind of the file at `path`. Throws what opening it throws. */
export function readProgramFile(path: string): ProgramFile {
  const descriptor = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return programKind(head.subarray(0, readSync(descriptor, head, 0, HEAD_BYTES, 0)));
  } finally {
    closeSync(descriptor);
  }
}

/** The kind that the first bytes of a file show. */
export function programKind(head: Buffer): ProgramFile {
  if (head.length >= 20 && head.readUInt32BE(0) === 0x7f454c46) return readElf(head);
  if (head.length >= 4 && MACHO_MAGICS.includes(head.readUInt32BE(0))) return { kind: "macho" };
  const text = head.toString("latin1");
  if (text.startsWith("MZ")) return { kind: "pe" };
  const interpreter = /^#![ \t]*([^ \t\n]+)/.exec(text)?.[1];
  return interpreter === undefined ? { kind: "unknown" } : { kind: "script", interpreter };
}

/** elf(5): byte 4 is the class (2 = 64 bit), byte 5 the byte order (1 = little-endian). */
function readElf(head: Buffer): ProgramFile {
  const isLittleEndian = head[5] === 1;
  const machine = isLittleEndian ? head.readUInt16LE(18) : head.readUInt16BE(18);
  const interpreter = head[4] === 2 && isLittleEndian ? readInterpreter(head) : undefined;
  return interpreter === undefined ? { kind: "elf", machine } : { kind: "elf", machine, interpreter };
}

function readInterpreter(head: Buffer): string | undefined {
  if (head.length < 64) return undefined;
  const tableAt = Number(head.readBigUInt64LE(32));
  const entryBytes = head.readUInt16LE(54);
  const entryCount = head.readUInt16LE(56);
  for (let index = 0; index < entryCount; index++) {
    const at = tableAt + index * entryBytes;
    if (at + 40 > head.length) return undefined;
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const nameAt = Number(head.readBigUInt64LE(at + 8));
    const nameEnd = head.indexOf(0, nameAt);
    return nameEnd > nameAt ? head.toString("latin1", nameAt, nameEnd) : undefined;
  }
  return undefined;
}
