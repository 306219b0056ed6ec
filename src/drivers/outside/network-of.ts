import { readlinkSync } from "node:fs";

/** The network namespace of a process; the pid may be another one's by the time it is looked at. */
export interface NetworkOf {
  readonly pid: number;
  /** As readlink(2) of /proc/PID/ns/net gives it. */
  readonly network: string;
}

/** Undefined where the process has ended. */
export function networkOf(pid: number): NetworkOf | undefined {
  try {
    return { pid, network: readlinkSync(`/proc/${pid}/ns/net`) };
  } catch {
    return undefined;
  }
}
