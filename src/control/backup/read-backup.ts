/** Reads an archive: every file is there, once, with the bytes that its manifest says. */
import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { ApiError } from "../api-error.ts";
import { MANIFEST_NAME, type Manifest, type ManifestFile, parseManifest, unusable } from "./manifest.ts";

/** Files in an archive; each function has one at most. */
const ENTRY_COUNT_MAX = 1_000_000;
const MANIFEST_MAX_BYTES = 256 * 1024 ** 2;

/** Writes the files of an archive below `folder` (flushed, mode 0600). Rejects with an ApiError where it is damaged. */
export async function unpackBackup(archive: string, folder: string): Promise<Manifest> {
  try {
    const zip = await openPromise(archive, { strictFileNames: true, autoClose: false });
    try {
      return await unpackZip(zip, folder);
    } finally {
      zip.close();
    }
  } catch (error) {
    if (error instanceof ApiError || isOfDisk(error)) throw error;
    return unusable(`the file is damaged or no backup (${error instanceof Error ? error.message : error})`, error);
  }
}

/** What the zip reader throws has no code, and what zlib does one of its own; what the disk says has a code. */
function isOfDisk(error: unknown): boolean {
  return error instanceof Error && "code" in error && !String(error.code).startsWith("Z_");
}

async function unpackZip(zip: ZipFile, folder: string): Promise<Manifest> {
  if (zip.entryCount > ENTRY_COUNT_MAX) unusable(`it has more than ${ENTRY_COUNT_MAX} files`);
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
  const first = entries.get(MANIFEST_NAME);
  if (first === undefined) return unusable("it has no manifest");
  if (first.uncompressedSize > MANIFEST_MAX_BYTES) unusable("its manifest is too large");
  const chunks: Buffer[] = [];
  for await (const chunk of await bytesOf(zip, first)) chunks.push(chunk);
  const manifest = parseManifest(Buffer.concat(chunks).toString("utf8"));
  const named = new Set(manifest.files.map(({ path }) => path));
  if (named.size !== manifest.files.length) unusable("its manifest names a file twice");
  if (entries.size !== named.size + 1 || entries.size !== zip.entryCount) {
    unusable("it holds other files than its manifest names");
  }
  for (const file of manifest.files) {
    const entry = entries.get(file.path);
    if (entry === undefined) unusable(`${file.path} is missing`);
    else await unpackFile(zip, entry, file, join(folder, file.path));
  }
  return manifest;
}

async function unpackFile(zip: ZipFile, entry: Entry, file: ManifestFile, target: string): Promise<void> {
  if (entry.uncompressedSize !== file.sizeBytes) unusable(`${file.path} has another size than its manifest says`);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  await using handle = await open(target, "wx", 0o600);
  for await (const chunk of await bytesOf(zip, entry)) {
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  await handle.sync();
  if (hash.digest("hex") !== file.sha256) unusable(`the bytes of ${file.path} are not those that were backed up`);
}

async function bytesOf(zip: ZipFile, entry: Entry): Promise<AsyncIterable<Buffer>> {
  return (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
}
