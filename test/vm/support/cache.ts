/** What is the same in every run, kept in a folder of our own below the system's temporary one. */
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder; it and all above it in it are ours alone. Throws where somebody else has made one of that name. */
function cacheRoot(): string {
  const folder = join(tmpdir(), `sluice-vm-${process.getuid!()}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const status = lstatSync(folder);
  if (!status.isDirectory() || status.uid !== process.getuid!() || (status.mode & 0o077) !== 0) {
    throw new Error(`${folder} is not a folder that only this user may enter: remove it`);
  }
  return folder;
}

/**
 * The folder of that name; `make` fills it where it is not there yet. `name` says all that its content depends on, so
 * that it never goes stale. It comes into being as a whole, also with several runs at once.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheRoot(), name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished);
  try {
    await make(unfinished);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
