import { readFileSync } from "node:fs";

/** Files that are open whatever clients do: libraries, logs, database, listeners, pipes. */
const OWN_FILES = 128;
/** A connection to each instance, and the next one while that finishes. */
const FILES_PER_INSTANCE = 2;
/** Even where there is hardly room: what a person at the console needs. */
const CONNECTIONS_MIN = 16;

/**
 * Client connections that this process can hold beside what else it opens: without it, the one file too many might be
 * the connection to an instance, or the log. `openFilesMax`: see readOpenFilesMax.
 */
export function connectionsThatFit(openFilesMax: number, instancesMax: number): number {
  return Math.max(CONNECTIONS_MIN, openFilesMax - OWN_FILES - FILES_PER_INSTANCE * instancesMax);
}

/** Files that this process may have open (RLIMIT_NOFILE); Infinity where the system does not say. */
export function readOpenFilesMax(file = "/proc/self/limits"): number {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
