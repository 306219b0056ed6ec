/** What a file that is to be started is, told by its first bytes. */
export type ProgramKind =
  | { readonly format: "elf"; readonly cpu: string }
  | { readonly format: "mach-o" }
  | { readonly format: "windows" }
  | { readonly format: "script"; readonly interpreter: string }
  | { readonly format: "unknown" };

/** `e_machine` of the ELF header (System V ABI, "Machine Information"), by Node's names of CPUs. */
const ELF_CPUS: Readonly<Record<number, string>> = { 3: "ia32", 40: "arm", 62: "x64", 183: "arm64", 243: "riscv64" };
const ELF_MAGIC = 0x7f454c46;
const MACH_O_MAGICS = [0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe];

/** How many first bytes `programKind` looks at, at most. */
export const PROGRAM_HEAD_BYTES = 256;

/** Tells by the first bytes of a file. */
export function programKind(head: Buffer): ProgramKind {
  const magic = head.length >= 4 ? head.readUInt32BE(0) : 0;
  if (magic === ELF_MAGIC && head.length >= 20) {
    // e_ident[EI_DATA] at 5: 2 means big-endian. e_machine at 18.
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    return { format: "elf", cpu: ELF_CPUS[machine] ?? `machine ${machine}` };
  }
  if (MACH_O_MAGICS.includes(magic)) return { format: "mach-o" };
  const start = head.toString("latin1");
  if (start.startsWith("MZ")) return { format: "windows" };
  if (start.startsWith("#!")) return { format: "script", interpreter: (start.split("\n")[0] ?? "").slice(2) };
  return { format: "unknown" };
}

/** Why a machine of this system and CPU cannot start it; undefined where nothing speaks against it. */
export function whyNotStartable(kind: ProgramKind, platform: NodeJS.Platform, cpu: string): string | undefined {
  switch (kind.format) {
    case "elf":
      if (platform !== "linux" || kind.cpu === cpu) return undefined;
      return `is a program for ${kind.cpu}, and this machine is ${cpu}: build it for linux ${cpu}`;
    case "mach-o":
      if (platform === "darwin") return undefined;
      return "is a program for macOS: build it for linux (Go: GOOS=linux)";
    case "windows":
      return "is a program for Windows: build it for linux (Go: GOOS=linux)";
    case "script":
      if (!kind.interpreter.endsWith("\r")) return undefined;
      return "has Windows line ends, so that its interpreter is not found: save it with LF";
    case "unknown":
      return undefined;
    default:
      throw new Error(`Unknown kind ${JSON.stringify(kind satisfies never)}`);
  }
}
