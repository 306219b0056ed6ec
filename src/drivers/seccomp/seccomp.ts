/**
 * Which system calls a function in a sandbox may make (seccomp(2)): everything that servers and language runtimes use;
 * not what changes namespaces, mounts or the machine, looks into other processes, or opens parts of the kernel that no
 * server needs. Docker's default profile, without what depends on capabilities, since a function has none, and stricter
 * in ptrace(2), netlink and the 32-bit calls.
 */
import { constants } from "node:os";
import {
  ALLOW,
  ARCHITECTURE_OFFSET,
  argumentOffset,
  encode,
  end,
  endIfAnyBit,
  endIfEqual,
  endIfGreater,
  endUnlessEqual,
  failWith,
  type Instruction,
  KILL_PROCESS,
  load,
  NUMBER_OFFSET,
  when,
} from "./bpf.ts";
import { type FilteredCpu, JUDGED, LAST_KNOWN, REFUSED } from "./system-calls.ts";

/** AUDIT_ARCH_* of linux/audit.h. */
const ARCHITECTURES: Readonly<Record<FilteredCpu, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

const { EPERM, ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT } = constants.errno;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of linux/sched.h. */
const NEW_NAMESPACES = 0x7e020000;

const AF_NETLINK = 16;
/** Unix, IPv4, IPv6, and netlink for the list of interfaces. Others (AF_ALG, AF_VSOCK, ...) are kernel code to attack. */
const SOCKET_FAMILIES = [1, 2, 10];
const NETLINK_ROUTE = 0;

/** TIOCSTI and TIOCLINUX put words into a terminal as if a person had typed them. */
const TERMINAL_REQUESTS = [0x5412, 0x541c];

/** Those that Docker allows: Linux, Linux 32, both without address randomization as asked for; and the question. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** Whether there is a filter for this CPU. */
export function hasSeccompFilter(cpu: string): cpu is FilteredCpu {
  return Object.hasOwn(ARCHITECTURES, cpu);
}

/** The filter for `cpu`, as `bwrap --seccomp` reads it. */
export function seccompFilter(cpu: FilteredCpu): Buffer {
  return encode(seccompProgram(cpu));
}

export function seccompProgram(cpu: FilteredCpu): readonly Instruction[] {
  const refused = Object.values(REFUSED).flatMap((numbers) => {
    const number = numbers[cpu];
    return number === undefined ? [] : endIfEqual(number, failWith(EPERM));
  });
  const judge = (call: keyof typeof JUDGED, body: readonly Instruction[]) => when(JUDGED[call][cpu], body);
  return [
    load(ARCHITECTURE_OFFSET),
    // Calls of another architecture have other numbers: of x86's 32-bit ones nothing here would be true.
    ...endUnlessEqual(ARCHITECTURES[cpu], KILL_PROCESS),
    load(NUMBER_OFFSET),
    // Also those of the x32 ABI, which have a high bit set.
    ...endIfGreater(LAST_KNOWN, failWith(ENOSYS)),
    ...judge("clone", [load(argumentOffset(0)), ...endIfAnyBit(NEW_NAMESPACES, failWith(EPERM)), end(ALLOW)]),
    // Its flags lie in memory, where a filter cannot look: runtimes then call clone.
    ...judge("clone3", [end(failWith(ENOSYS))]),
    ...judge("socket", socketRules()),
    ...judge("socketpair", socketRules()),
    ...judge("ioctl", [
      load(argumentOffset(1)),
      ...TERMINAL_REQUESTS.flatMap((request) => endIfEqual(request, failWith(EPERM))),
      end(ALLOW),
    ]),
    ...judge("personality", [
      load(argumentOffset(0)),
      ...PERSONALITIES.flatMap((personality) => endIfEqual(personality, ALLOW)),
      end(failWith(EPERM)),
    ]),
    ...refused,
    end(ALLOW),
  ];
}

function socketRules(): Instruction[] {
  return [
    load(argumentOffset(0)),
    ...SOCKET_FAMILIES.flatMap((family) => endIfEqual(family, ALLOW)),
    ...endUnlessEqual(AF_NETLINK, failWith(EAFNOSUPPORT)),
    load(argumentOffset(2)),
    ...endUnlessEqual(NETLINK_ROUTE, failWith(EPROTONOSUPPORT)),
    end(ALLOW),
  ];
}
