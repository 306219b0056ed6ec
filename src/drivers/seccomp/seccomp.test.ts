import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readOrEmpty } from "../host/read-or-none.ts";
import {
  ALLOW,
  ARCHITECTURE_OFFSET,
  argumentOffset,
  encode,
  type Instruction,
  NUMBER_OFFSET,
  OPERATIONS,
} from "./bpf.ts";
import { seccompFilter, seccompProgram } from "./seccomp.ts";
import { type FilteredCpu, JUDGED, LAST_KNOWN, REFUSED } from "./system-calls.ts";

const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const KILL_PROCESS = 0x80000000;
const { EPERM, ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT } = constants.errno;
const fails = (errno: number) => 0x00050000 | errno;
const CPUS: readonly FilteredCpu[] = ["x64", "arm64"];

/** Runs a filter as the kernel would. Throws where the kernel would refuse to load it. */
function run(program: readonly Instruction[], arch: number, number = 0, args: readonly number[] = []): number {
  const data = new Map([
    [NUMBER_OFFSET, number],
    [ARCHITECTURE_OFFSET, arch],
    ...[0, 1, 2, 3, 4, 5].map((index) => [argumentOffset(index), (args[index] ?? 0) >>> 0] as const),
  ]);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const { code, ifTrue, ifFalse, constant } = program[at]!;
    const jump = (holds: boolean) => (at += holds ? ifTrue : ifFalse);
    if (code === OPERATIONS.end) return constant;
    else if (code === OPERATIONS.load) accumulator = data.get(constant)!;
    else if (code === OPERATIONS.jumpIfEqual) jump(accumulator === constant);
    else if (code === OPERATIONS.jumpIfGreater) jump(accumulator > constant);
    else if (code === OPERATIONS.jumpIfAnyBit) jump((accumulator & constant) !== 0);
    else throw new Error(`unknown operation ${code}`);
  }
}

for (const cpu of CPUS) {
  describe(`seccomp filter for ${cpu}`, () => {
    const program = seccompProgram(cpu);
    const judge = (number: number | undefined, ...args: number[]) => run(program, AUDIT_ARCH[cpu], number, args);
    const refused = new Set(Object.values(REFUSED).map((numbers) => numbers[cpu]));
    const judged = new Set(Object.values(JUDGED).map((numbers) => numbers[cpu]));

    test("every call up to the last known one: refused where it is in the table, else allowed", () => {
      for (let number = 0; number <= LAST_KNOWN; number++) {
        if (judged.has(number)) continue;
        assert.equal(judge(number), refused.has(number) ? fails(EPERM) : ALLOW, `call ${number}`);
      }
    });

    test("unknown and x32 calls answer as on an older kernel; another architecture ends the process", () => {
      fc.assert(
        fc.property(fc.integer({ min: LAST_KNOWN + 1, max: 0xffffffff }), (number) => {
          assert.equal(judge(number), fails(ENOSYS));
        }),
      );
      assert.equal(judge(0x40000000), fails(ENOSYS));
      assert.equal(run(program, 0x40000003), KILL_PROCESS);
      assert.equal(run(program, AUDIT_ARCH[cpu === "x64" ? "arm64" : "x64"]), KILL_PROCESS);
    });

    test("clone: threads and processes, no namespace; clone3 is not there", () => {
      const threadFlags = 0x003d0f00;
      assert.equal(judge(JUDGED.clone[cpu], threadFlags), ALLOW);
      assert.equal(judge(JUDGED.clone[cpu], constants.signals.SIGCHLD), ALLOW);
      for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
        assert.equal(judge(JUDGED.clone[cpu], threadFlags | flag), fails(EPERM), flag.toString(16));
      }
      assert.equal(judge(JUDGED.clone3[cpu]), fails(ENOSYS));
    });

    test("socket: Unix, IP and the kernel's routes alone", () => {
      for (const call of [JUDGED.socket[cpu], JUDGED.socketpair[cpu]]) {
        for (let family = 0; family < 50; family++) {
          const expected = [1, 2, 10, 16].includes(family) ? ALLOW : fails(EAFNOSUPPORT);
          assert.equal(judge(call, family, 1, 0), expected, `family ${family}`);
        }
        for (let protocol = 1; protocol < 32; protocol++) {
          assert.equal(judge(call, 16, 3, protocol), fails(EPROTONOSUPPORT));
          assert.equal(judge(call, 2, 1, protocol), ALLOW);
        }
      }
    });

    test("ioctl: nothing typed into a terminal; personality: Docker's five", () => {
      assert.equal(judge(JUDGED.ioctl[cpu], 0, 0x5412), fails(EPERM));
      assert.equal(judge(JUDGED.ioctl[cpu], 0, 0x541c), fails(EPERM));
      assert.equal(judge(JUDGED.ioctl[cpu], 0, 0x5413), ALLOW);
      for (const value of [0, 8, 0x20000, 0x20008, 0xffffffff]) {
        assert.equal(judge(JUDGED.personality[cpu], value), ALLOW);
      }
      assert.equal(judge(JUDGED.personality[cpu], 0x0040000), fails(EPERM));
    });

    test("it can be loaded: not too long, every jump inside, its last instruction an end", () => {
      assert.ok(program.length < 4096);
      for (const [at, { ifTrue, ifFalse }] of program.entries()) {
        for (const jump of [ifTrue, ifFalse]) {
          assert.ok(jump >= 0 && jump <= 255 && at + 1 + jump <= program.length, `instruction ${at}`);
        }
      }
      assert.equal(program.at(-1)!.code, OPERATIONS.end);
      assert.deepEqual(seccompFilter(cpu), encode(program));
      assert.equal(seccompFilter(cpu).length, program.length * 8);
    });
  });
}

/** The kernel's own lists, where its headers are installed (Debian: linux-libc-dev). */
const HEADERS: Readonly<Record<FilteredCpu, { readonly file: string; readonly pattern: RegExp }>> = {
  x64: { file: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", pattern: /^#define __NR_(\w+)\s+(\d+)/gm },
  arm64: { file: "/usr/include/asm-generic/unistd.h", pattern: /^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm },
};

for (const cpu of CPUS) {
  const { file, pattern } = HEADERS[cpu];
  const text = readOrEmpty(file);
  if (text === "" && process.env["CI"]) throw new Error(`${file} is missing: install linux-libc-dev`);
  const skip = text === "" ? `no kernel headers at ${file}` : false;
  test(`system calls of ${cpu} have the numbers of the kernel's header`, { skip }, () => {
    const header = new Map([...text.matchAll(pattern)].map(([, name, number]) => [name!, Number(number)]));
    for (const [name, numbers] of Object.entries({ ...REFUSED, ...JUDGED })) {
      assert.equal(numbers[cpu], header.get(name), name);
    }
  });
}
