/** Makes a backup while everything goes on: the state as of one moment, and the files that it needs. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import type { Store } from "../../store/store.ts";
import { ApiError } from "../api-error.ts";
import type { CodePackages } from "../code/code-packages.ts";
import { DATABASE_NAME, isKept, MANIFEST_NAME, type ManifestFile, manifestOf } from "./manifest.ts";
import { packagesOf } from "./packages-of.ts";
import { type BackupParts, withRoom } from "./parts.ts";

/** Folders of copies on the way. What a crash left of one goes at the next start. */
export const BACKUP_PREFIX = "backup-";

export interface BackupOptions extends BackupParts {
  /** The open store. */
  readonly store: Store;
  readonly packages: CodePackages;
  readonly accountId: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** Where a file of the archive comes from. */
interface Source extends ManifestFile {
  readonly from: string;
}

/**
 * Copies the database, then gives an archive that is written while it is read, and ends early with an error where a file
 * cannot be read. What it holds back is let go when the archive is read to its end or destroyed. Rejects with an ApiError
 * where there is no room for the copy.
 */
export async function createBackup(options: BackupOptions): Promise<Readable> {
  const { dataDir, packages, accountId, createdAt } = options;
  const held = new DisposableStack();
  const folder = await withRoom(dataDir, () => mkdtemp(join(dataDir, BACKUP_PREFIX)));
  const release = async () => {
    held.dispose();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const copy = join(folder, DATABASE_NAME);
    const { change, packagesNamed } = await withRoom(dataDir, () => copyState(options, copy));
    for (const sha256 of packagesNamed) held.use(packages.hold(sha256));
    const sources = [await sourceOf(DATABASE_NAME, copy), ...(await kept(dataDir))];
    for (const sha256 of packagesNamed) sources.push(await packageSource(packages, sha256));
    const files = sources.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }));
    const manifest = manifestOf({ createdAt: new Date(createdAt).toISOString(), accountId, change, files });
    const archive = pack(`${JSON.stringify(manifest, undefined, 2)}\n`, sources);
    archive.once("close", () => void release());
    return archive;
  } catch (error) {
    await release();
    throw error;
  }
}

async function copyState({ store, openStore, accountId }: BackupOptions, copy: string) {
  await store.copyTo(copy);
  const copied = await openStore(copy);
  try {
    return { change: await copied.currentChange(), packagesNamed: await packagesOf(copied, accountId) };
  } finally {
    await copied.close();
  }
}

function pack(manifest: string, sources: readonly Source[]): Readable {
  const zip = new ZipFile();
  const archive = zip.outputStream as Readable;
  zip.on("error", (error: Error) => archive.destroy(error));
  zip.addBuffer(Buffer.from(manifest), MANIFEST_NAME, { mode: 0o100600 });
  // Packages are packed already.
  for (const { path, from } of sources) {
    zip.addFile(from, path, { mode: 0o100600, compress: !path.endsWith(".zip") });
  }
  zip.end();
  return archive;
}

/** Keys, credentials and certificates of the data directory. */
async function kept(dataDir: string): Promise<Source[]> {
  const sources: Source[] = [];
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (!isKept(entry.name, entry.isDirectory())) continue;
    const names = entry.isDirectory()
      ? (await readdir(join(dataDir, entry.name))).map((name) => `${entry.name}/${name}`)
      : [entry.name];
    for (const name of names) {
      if (!name.endsWith(".new")) sources.push(await sourceOf(`files/${name}`, join(dataDir, name)));
    }
  }
  return sources;
}

async function sourceOf(path: string, from: string): Promise<Source> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(from), hash);
  return { path, from, sizeBytes: (await stat(from)).size, sha256: hash.digest("hex") };
}

/** A package's name is its hash. */
async function packageSource(packages: CodePackages, sha256: string): Promise<Source> {
  const from = packages.zipOf(sha256);
  try {
    return { path: `code/${sha256}.zip`, from, sizeBytes: (await stat(from)).size, sha256 };
  } catch (error) {
    const message = `The code package ${from} is missing: deploy the function that runs it again, then back up`;
    throw new ApiError("InternalServerError", message, { cause: error });
  }
}
