import { access, chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { flush } from "../code/unpack.ts";
import { DATABASE_NAME } from "./manifest.ts";
import type { BackupParts } from "./parts.ts";
import { READY_NAME, RESTORE_FOLDER } from "./stage-restore.ts";
import { BACKUP_PREFIX } from "./write-backup.ts";

/**
 * Puts in place what a committed restore has prepared, and throws away what one left that was not committed; before
 * anything of the data directory is read. It only moves, and each move may be repeated: a crash in between is made up for
 * by the next call. True: the data directory is another now.
 */
export async function finishRestore({ dataDir, storeFile, openStore }: BackupParts): Promise<boolean> {
  for (const name of await namesIn(dataDir)) {
    if (name.startsWith(BACKUP_PREFIX)) await rm(join(dataDir, name), { recursive: true });
  }
  const folder = join(dataDir, RESTORE_FOLDER);
  if (!(await exists(folder))) return false;
  const isReady = await exists(join(folder, READY_NAME));
  if (isReady) {
    await movePackages(join(folder, "packages"), join(dataDir, "code"));
    await moveDatabase(join(folder, DATABASE_NAME), storeFile, openStore);
    await moveFiles(join(folder, "files"), dataDir);
    await flush(dataDir);
    // Not before all else is on disk; what is left of the folder then means nothing.
    await rm(join(folder, READY_NAME));
  }
  await rm(folder, { recursive: true });
  return isReady;
}

/** Packages have the name of their bytes: one that is there already is the same. */
async function movePackages(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  const names = (await namesIn(from)).filter((name) => /^[0-9a-f]{64}(\.zip)?$/.test(name));
  for (const name of names) {
    if (name.endsWith(".zip") || !(await exists(join(to, name)))) await rename(join(from, name), join(to, name));
  }
  await flush(to);
}

async function moveDatabase(from: string, to: string, openStore: BackupParts["openStore"]): Promise<void> {
  if (!(await exists(from))) return;
  // Closing brings all into the one file.
  await (await openStore(from)).close();
  // The log of the old database must never meet the new one.
  for (const suffix of ["-wal", "-shm"]) await rm(to + suffix, { force: true });
  await rename(from, to);
}

async function moveFiles(from: string, to: string): Promise<void> {
  for (const name of await namesIn(from)) {
    const files = name.includes(".") ? [name] : (await namesIn(join(from, name))).map((each) => join(name, each));
    for (const file of files) {
      await mkdir(dirname(join(to, file)), { recursive: true, mode: 0o700 });
      // Certificates are for everybody who verifies them.
      if (file.endsWith(".pem")) await chmod(join(from, file), 0o644);
      await rename(join(from, file), join(to, file));
      await flush(dirname(join(to, file)));
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await exists(folder)) ? await readdir(folder) : [];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
