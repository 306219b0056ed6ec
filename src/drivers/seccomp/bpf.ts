/** Classic BPF as seccomp(2) takes it: a list of instructions that read struct seccomp_data (linux/filter.h, seccomp.h). */

/** One `struct sock_filter`: an operation, how far to jump when it holds and when not, and its constant. */
export interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly constant: number;
}

/** Operations of linux/bpf_common.h that a filter of system calls needs. */
export const OPERATIONS = {
  /** BPF_LD | BPF_W | BPF_ABS: the accumulator becomes the word at that offset. */
  load: 0x20,
  /** BPF_JMP | BPF_JEQ | BPF_K */
  jumpIfEqual: 0x15,
  /** BPF_JMP | BPF_JGT | BPF_K, without sign. */
  jumpIfGreater: 0x25,
  /** BPF_JMP | BPF_JSET | BPF_K: any of the bits. */
  jumpIfAnyBit: 0x45,
  /** BPF_RET | BPF_K */
  end: 0x06,
} as const;

/** Where things are in struct seccomp_data, in bytes. */
export const NUMBER_OFFSET = 0;
export const ARCHITECTURE_OFFSET = 4;

/** Lower half of an argument, 0 to 5, on a little-endian CPU: all that the kernel reads of an int. */
export function argumentOffset(index: number): number {
  return 16 + 8 * index;
}

/** What becomes of a call (seccomp(2), SECCOMP_RET_*). */
export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;

/** The call fails with this errno, and the kernel does nothing else. */
export function failWith(errno: number): number {
  return 0x00050000 | errno;
}

export function load(offset: number): Instruction {
  return { code: OPERATIONS.load, ifTrue: 0, ifFalse: 0, constant: offset };
}

export function end(result: number): Instruction {
  return { code: OPERATIONS.end, ifTrue: 0, ifFalse: 0, constant: result };
}

/** Ends with `result` where the accumulator is `value`; else goes on behind it. */
export function endIfEqual(value: number, result: number): Instruction[] {
  return [{ code: OPERATIONS.jumpIfEqual, ifTrue: 0, ifFalse: 1, constant: value }, end(result)];
}

/** Ends with `result` where the accumulator is not `value`. */
export function endUnlessEqual(value: number, result: number): Instruction[] {
  return [{ code: OPERATIONS.jumpIfEqual, ifTrue: 1, ifFalse: 0, constant: value }, end(result)];
}

export function endIfGreater(value: number, result: number): Instruction[] {
  return [{ code: OPERATIONS.jumpIfGreater, ifTrue: 0, ifFalse: 1, constant: value }, end(result)];
}

export function endIfAnyBit(bits: number, result: number): Instruction[] {
  return [{ code: OPERATIONS.jumpIfAnyBit, ifTrue: 0, ifFalse: 1, constant: bits }, end(result)];
}

/** Runs `body` only where the accumulator is `value`; it must end itself. Bodies have at most 255 instructions. */
export function when(value: number, body: readonly Instruction[]): Instruction[] {
  return [{ code: OPERATIONS.jumpIfEqual, ifTrue: 0, ifFalse: body.length, constant: value }, ...body];
}

/** As the kernel and `bwrap --seccomp` read it: struct sock_filter after struct sock_filter, of this machine's order. */
export function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, ifTrue, ifFalse, constant }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(constant >>> 0, index * 8 + 4);
  }
  return bytes;
}
