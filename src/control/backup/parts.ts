import type { Store } from "../../store/store.ts";
import { ApiError } from "../api-error.ts";

/** What is copied and replaced. */
export interface BackupParts {
  readonly dataDir: string;
  /** The database's file, in the data directory. */
  readonly storeFile: string;
  /** Opens a database and checks it. Rejects with a StoreError. */
  openStore(file: string): Promise<Store>;
}

/** Runs `work`; where the disk gets full meanwhile, that is said in one sentence. */
export async function withRoom<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    const message = `The disk of ${dataDir} has no room for it: nothing was changed. Free space and try again`;
    throw new ApiError("ResourceExhausted", message, { cause: error });
  }
}

function isNoRoom(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" || code === "full";
}
