import { readdirSync, readFileSync } from "node:fs";

/** Names in a folder; none where it is not there (any more), as below /proc. */
export function listOrNone(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Text of a file, one character a byte; empty where it is not there (any more). */
export function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
