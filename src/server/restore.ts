import { createReadStream } from "node:fs";
import { join } from "node:path";
import { type BackupParts, finishRestore, stageRestore } from "../control/control.ts";
import type { RestoreAnswer } from "../model/model.ts";
import { openSqliteStore } from "../store/store.ts";
import { DataDirectory } from "./data-directory.ts";

/** What of a data directory a restore replaces. */
export function backupPartsOf(dataDir: string): BackupParts {
  return { dataDir, storeFile: join(dataDir, "sluice.db"), openStore: (file) => openSqliteStore({ file }) };
}

/**
 * Restores a backup into the data directory of a Sluice that is stopped, or into a new one. Rejects with a StartupError
 * where one is running on it, and with an Error for people where the backup cannot be used; then nothing is changed.
 */
export async function restoreStopped(dataDir: string, archive: string): Promise<RestoreAnswer> {
  const directory = DataDirectory.open(dataDir);
  try {
    const parts = backupPartsOf(directory.path);
    await finishRestore(parts);
    const staged = await stageRestore(parts, createReadStream(archive), undefined);
    try {
      await staged.commit();
    } catch (error) {
      await staged.discard();
      throw error;
    }
    await staged.store.close();
    await finishRestore(parts);
    return staged.answer;
  } finally {
    directory.close();
  }
}
