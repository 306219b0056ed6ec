/**
 * Prepares a restore in `DIR/restore`: everything that can fail happens there, on files of its own. One file more, written
 * by rename, decides: without it what is there is thrown away, with it `finishRestore` puts it in place, now or at the
 * next start.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { RestoreAnswer } from "../../model/model.ts";
import { StoreError } from "../../model/model.ts";
import type { Store } from "../../store/store.ts";
import { ApiError } from "../api-error.ts";
import { CodePackages } from "../code/code-packages.ts";
import { ZIP_UPLOAD_MAX_BYTES } from "../code/limits.ts";
import { flush } from "../code/unpack.ts";
import { DATABASE_NAME, type Manifest, unusable } from "./manifest.ts";
import { packagesOf } from "./packages-of.ts";
import { type BackupParts, withRoom } from "./parts.ts";
import { unpackBackup } from "./read-backup.ts";

export const RESTORE_FOLDER = "restore";
export const READY_NAME = "ready";

/** A backup that was found good, with its database open. */
export interface StagedRestore {
  readonly answer: RestoreAnswer;
  readonly store: Store;
  /** From here on the restore will happen. Nothing has before. */
  commit(): Promise<void>;
  /** Throws away what was prepared. Idempotent; nothing after `commit`. */
  discard(): Promise<void>;
}

/** `sha256`: what the archive's bytes must have; absent: it is taken as it comes. Rejects with an ApiError. */
export async function stageRestore(
  parts: BackupParts,
  archive: Readable,
  sha256: string | undefined,
): Promise<StagedRestore> {
  const folder = join(parts.dataDir, RESTORE_FOLDER);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new ApiError("ConcurrentUpdateError", "Another restore is going on: wait until it is done", { cause: error });
  }
  try {
    return await withRoom(parts.dataDir, () => stageIn(folder, parts, archive, sha256));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function stageIn(folder: string, parts: BackupParts, archive: Readable, sha256: string | undefined) {
  const file = join(folder, "archive.zip");
  await receive(archive, file, sha256);
  const manifest = await unpackBackup(file, folder);
  await rm(file);
  await checkCredentials(folder, manifest);
  const store = await openStaged(join(folder, DATABASE_NAME), parts);
  let isOpen = true;
  const discard = async () => {
    if (!isOpen) return;
    isOpen = false;
    await store.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await unpackPackages(folder, await packagesOf(store, manifest.accountId), manifest);
    const commit = async () => {
      await takeUsage(store, parts);
      await writeReady(folder);
      await flush(parts.dataDir);
      isOpen = false;
    };
    return { answer: await answerOf(store, manifest), store, commit, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function receive(archive: Readable, file: string, sha256: string | undefined): Promise<void> {
  const hash = createHash("sha256");
  await using handle = await open(file, "wx", 0o600);
  for await (const chunk of archive as AsyncIterable<Buffer>) {
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  if (sha256 === undefined || hash.digest("hex") === sha256) return;
  throw new ApiError("SignatureNotMatch", "The body is not the one that was signed (x-acs-content-sha256)");
}

/** The keys that come with it are those of its account. */
async function checkCredentials(folder: string, { accountId }: Manifest): Promise<void> {
  try {
    const credentials = JSON.parse(await readFile(join(folder, "files", "credentials.json"), "utf8"));
    if (credentials.accountId === accountId && credentials.accessKeyId && credentials.accessKeySecret) return;
  } catch {
    // Said below.
  }
  unusable("its credentials are missing or of another account");
}

async function openStaged(file: string, { openStore }: BackupParts): Promise<Store> {
  try {
    return await openStore(file);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === "full") throw error;
    if (error.code === "newer") return unusable("its database was written by a newer Sluice: use that version", error);
    return unusable("its database is damaged", error);
  }
}

/** Unpacks the packages as uploads are, with the same checks, so that they only have to be moved. */
async function unpackPackages(folder: string, wanted: readonly string[], { files }: Manifest): Promise<void> {
  const there = new Set(files.map(({ path }) => path));
  const lacking = wanted.find((sha256) => !there.has(`code/${sha256}.zip`));
  if (lacking !== undefined) unusable(`the code package ${lacking} is missing`);
  const packages = await CodePackages.open(join(folder, "packages"));
  for (const sha256 of wanted) {
    const zip = join(folder, "code", `${sha256}.zip`);
    await using receiver = await packages.receive(ZIP_UPLOAD_MAX_BYTES);
    for await (const chunk of createReadStream(zip)) await receiver.write(chunk as Buffer);
    await using received = await receiver.finish();
    using _held = await packages.add(received);
    await rm(zip);
  }
}

/** What was used since the backup stays on the bill. A database that cannot be read has nothing to keep. */
async function takeUsage(store: Store, { storeFile, openStore }: BackupParts): Promise<void> {
  if (!(await exists(storeFile))) return;
  try {
    await (await openStore(storeFile)).close();
  } catch (error) {
    if (error instanceof StoreError && error.code !== "full") return;
    throw error;
  }
  await store.takeUsageOf(storeFile);
}

async function writeReady(folder: string): Promise<void> {
  const temporary = join(folder, `${READY_NAME}.new`);
  {
    await using handle = await open(temporary, "w", 0o600);
    await handle.sync();
  }
  await rename(temporary, join(folder, READY_NAME));
  await flush(folder);
}

async function answerOf(store: Store, manifest: Manifest): Promise<RestoreAnswer> {
  const { accountId, createdAt, change } = manifest;
  const services = await store.list(accountId, "service");
  const functions = await store.list(accountId, "function");
  return { accountId, createdAt, change, services: services.length, functions: functions.length };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
