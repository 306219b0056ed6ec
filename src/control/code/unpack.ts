/** Writes the checked contents of a zip below a folder that is new and empty. */
import { mkdir, open, symlink } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { ZipFile } from "yauzl";
import { parentsOf } from "./entry-names.ts";
import type { PackageLimits } from "./limits.ts";
import { checkLinks } from "./links.ts";
import { refuse } from "./package-error.ts";
import { asPackageError, type ZipContents, type ZipItem } from "./zip-contents.ts";

/** Flushes at once: enough for the file system to gather them into few writes of its journal. */
const FLUSHES_AT_ONCE = 8;

/**
 * Writes files, then symbolic links, so that no file is ever written through a link; then flushes everything to disk.
 * Rejects with a PackageError where the zip's bytes are not what its directory says. The caller removes the folder.
 */
export async function unpack(contents: ZipContents, folder: string, limits: PackageLimits): Promise<void> {
  const folders = await makeFolders(contents.items, folder);
  const files = contents.items.filter((item) => item.kind === "file");
  let room = limits.unpackedSizeMaxBytes;
  for (const item of files) room -= await writeFileOf(contents.zip, item, join(folder, item.path), room);
  const links = new Map<string, string>();
  for (const item of contents.items.filter((each) => each.kind === "link")) {
    links.set(item.path, await readTarget(contents.zip, item, limits));
  }
  checkLinks(links);
  for (const [path, target] of links) await symlink(target, join(folder, path));
  await flushAll(files.map((item) => join(folder, item.path)));
  await flushAll(folders);
}

/** All folders, with those that the zip implies; returns their paths, the root last. */
async function makeFolders(items: readonly ZipItem[], root: string): Promise<string[]> {
  const paths = new Set<string>();
  for (const { path, kind } of items) {
    for (const parent of parentsOf(path)) paths.add(parent);
    if (kind === "folder") paths.add(path);
  }
  // Shorter first: a folder stands before what is below it.
  const made = [...paths].sort((left, right) => left.length - right.length).map((path) => join(root, path));
  for (const path of made) await mkdir(path, { mode: 0o755 });
  return [...made.reverse(), root];
}

/** Returns the number of bytes written. `wx`: never over something that is there. */
async function writeFileOf(zip: ZipFile, item: ZipItem, path: string, room: number): Promise<number> {
  await using file = await open(path, "wx", item.mode);
  await file.chmod(item.mode);
  let size = 0;
  for await (const chunk of contentOf(zip, item)) {
    size += chunk.length;
    if (size > room) refuse("The zip unpacks to more bytes than it says: this looks like a zip bomb");
    await file.write(chunk);
  }
  return size;
}

async function readTarget(zip: ZipFile, item: ZipItem, limits: PackageLimits): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of contentOf(zip, item)) chunks.push(chunk);
  const target = Buffer.concat(chunks);
  if (target.length > limits.linkTargetMaxBytes) refuse(`The symbolic link ${JSON.stringify(item.path)} is too long`);
  return target.toString("utf8");
}

/** The bytes of an entry. Ends with an error unless their number and checksum are as the directory says. */
async function* contentOf(zip: ZipFile, item: ZipItem): AsyncGenerator<Buffer> {
  let checksum = 0;
  try {
    const stream = await zip.openReadStreamPromise(item.entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    throw asPackageError(error);
  }
  if (checksum !== item.entry.crc32) {
    refuse(`The checksum of ${JSON.stringify(item.path)} in the zip is wrong: the file is damaged, pack it again`);
  }
}

async function flushAll(paths: readonly string[]): Promise<void> {
  const waiting = paths.values();
  const flushers = Array.from({ length: FLUSHES_AT_ONCE }, async () => {
    for (const path of waiting) await flush(path);
  });
  await Promise.all(flushers);
}

/** Puts a file's bytes, or a folder's entries, on disk. */
export async function flush(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}
