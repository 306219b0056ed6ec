/** A small virtual machine, bounded in time, with this machine's programs, Debian's kernel and no network. */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findTool } from "../../../src/drivers/host/find-tool.ts";
import { readOrEmpty } from "../../../src/drivers/host/read-or-none.ts";
import { SANDBOX_TOOLS } from "../../../src/drivers/sandbox/sandbox-launcher.ts";
import type { GuestLine, GuestTest } from "../inside/results.ts";
import { checkoutDisk, firstFileSystem, swapDisk, systemDisk } from "./disks.ts";
import { debianKernel } from "./kernel.ts";

/** What it is made of, with the Debian package of each. */
const TOOLS: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  mke2fs: "e2fsprogs",
  busybox: "busybox-static",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  ps: "procps",
  ...SANDBOX_TOOLS,
};
const MEMORY_MB = 2048;
const PROCESSORS = 2;
/** With the processor's own virtualisation it takes less than two seconds; where that is only half there, it hangs. */
const KVM_BOOT_LIMIT_MS = 10_000;
const EMULATED_BOOT_LIMIT_MS = 120_000;
const CONSOLE_TAIL_CHARACTERS = 4_000;

/** Why no such machine can run here, or false. Where CI is set that is an error instead: there it must be tested. */
export function machineSkip(): string | false {
  const missing = Object.keys(TOOLS).filter((tool) => findTool(tool) === undefined);
  const reasons = [
    ...(process.platform === "linux" && process.arch === "x64" ? [] : ["not Linux on x64"]),
    ...(missing.length === 0 ? [] : [`not installed: ${missing.map((tool) => `${tool} (${TOOLS[tool]})`).join(", ")}`]),
  ];
  if (reasons.length === 0) return false;
  const reason = `no virtual machine with control groups of version 2: ${reasons.join("; ")}`;
  if (process.env["CI"] !== undefined && process.env["CI"] !== "") throw new Error(reason);
  return reason;
}

export interface MachineOptions {
  /** How long the tests in it may take, from its boot. */
  readonly limitMs: number;
  /** Told as soon as one has ended in the guest. */
  readonly onTest: (test: GuestTest) => Promise<void>;
  readonly onRemark: (words: string) => void;
}

/**
 * Boots it, runs the tests of `inside/files` in it, and ends it. Rejects, with the end of its console, when it does not
 * boot, when it ends before its tests have, and when the time is over.
 */
export async function runGuestTests(options: MachineOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-vm-run-"));
  try {
    const kernel = await debianKernel();
    const disks = [await systemDisk(process.execPath), await checkoutDisk(folder), swapDisk(folder)];
    const parts = { folder, kernel: kernel.image, initramfs: await firstFileSystem(folder, kernel), disks };
    if (isWritable("/dev/kvm")) {
      if (await runOnce({ ...parts, accelerator: "kvm", bootLimitMs: KVM_BOOT_LIMIT_MS }, options)) return;
      options.onRemark("/dev/kvm is there, but a guest does not boot with it: it is emulated");
    }
    const emulated = { ...parts, accelerator: "tcg,thread=multi", bootLimitMs: EMULATED_BOOT_LIMIT_MS };
    if (!(await runOnce(emulated, options))) throw new Error(`the guest does not boot:\n${consoleTail(folder)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly kernel: string;
  readonly initramfs: string;
  readonly disks: readonly string[];
  readonly accelerator: string;
  readonly bootLimitMs: number;
}

/** False: it does not boot. */
async function runOnce(parts: Parts, { limitMs, onTest }: MachineOptions): Promise<boolean> {
  const machine = startMachine(parts);
  let hasBooted = false;
  let hasEnded = false;
  let isLate = false;
  let timer = setTimeout(() => machine.kill("SIGKILL"), parts.bootLimitMs);
  try {
    for await (const text of createInterface({ input: machine.stdout! })) {
      if (!text.startsWith("{")) continue;
      const line = JSON.parse(text) as GuestLine;
      if (line.type === "test") await onTest(line);
      if (line.type === "end") hasEnded = true;
      if (line.type !== "booted") continue;
      hasBooted = true;
      clearTimeout(timer);
      timer = setTimeout(() => {
        isLate = true;
        machine.kill("SIGKILL");
      }, limitMs);
    }
  } finally {
    clearTimeout(timer);
    machine.kill("SIGKILL");
  }
  if (!hasBooted || hasEnded) return hasBooted;
  const what = isLate ? `did not end within ${limitMs / 1000} s` : "ended before its tests had";
  throw new Error(`the guest ${what}:\n${consoleTail(parts.folder)}`);
}

/** Its standard output is the guest's second serial port; the first, its console, goes to a file. */
function startMachine({ folder, kernel, initramfs, disks, accelerator }: Parts): ChildProcess {
  const machine = [
    ...["-machine", "q35", "-accel", accelerator, "-cpu", "max", "-smp", String(PROCESSORS), "-m", `${MEMORY_MB}M`],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-kernel", kernel, "-initrd", initramfs],
    // Its own counters of control groups are all that it is for: no version 1, and an end rather than a hang in a panic.
    ...["-append", "console=ttyS0 quiet panic=-1 cgroup_no_v1=all"],
    ...["-serial", `file:${join(folder, "console")}`, "-serial", "stdio"],
    ...disks.flatMap((file, index) => [
      ...[
        "-drive",
        `file=${file},format=raw,if=none,id=disk${index},cache=unsafe,read-only=${index === 0 ? "on" : "off"}`,
      ],
      ...["-device", `virtio-blk-pci,drive=disk${index}`],
    ]),
  ];
  // It ends with us, however we end.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...machine], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr!.resume();
  return child;
}

function consoleTail(folder: string): string {
  return readOrEmpty(join(folder, "console")).slice(-CONSOLE_TAIL_CHARACTERS);
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
