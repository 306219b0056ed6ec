import { readFileSync, writeFileSync } from "node:fs";

/** Bytes that a process has in memory now, and at most since `forgetPeak` (proc(5), VmRSS and VmHWM). */
export function memoryOf(pid: number): { readonly residentBytes: number; readonly peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { residentBytes: field(status, "VmRSS"), peakBytes: field(status, "VmHWM") };
}

/** Lets the peak begin anew with what is in memory now (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function field(status: string, name: string): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kib === undefined) throw new Error(`/proc has no ${name} of the process`);
  return Number(kib) * 1024;
}
