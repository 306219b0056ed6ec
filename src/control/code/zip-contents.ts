/** What a zip holds, checked before anything is written. Only its central directory is believed. */
import { open } from "node:fs/promises";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { checkedPath, parentsOf } from "./entry-names.ts";
import type { PackageLimits } from "./limits.ts";
import { PackageError, refuse } from "./package-error.ts";
import { readAhead } from "./read-ahead.ts";

/** One file, folder or symbolic link of the zip. */
export interface ZipItem {
  readonly kind: "file" | "folder" | "link";
  /** Relative, without final `/`. */
  readonly path: string;
  /** Permission bits to give the file. */
  readonly mode: number;
  readonly entry: Entry;
}

/** An open zip; dispose of it when it has been unpacked. */
export interface ZipContents extends Disposable {
  readonly zip: ZipFile;
  readonly items: readonly ZipItem[];
  /** All files together, as declared; what is unpacked is no more than that. */
  readonly unpackedBytes: number;
}

/** Compression methods (APPNOTE 4.4.5): stored and deflated. */
const METHODS = [0, 8];
/** APPNOTE 4.4.4: bit 0 encrypted; bit 3 sizes stand after the data, and are 0 in the local header. */
const FLAG_ENCRYPTED = 0x1;
/** Bits 5 and 13: a patch of another file, and headers that are masked. */
const FLAGS_UNREADABLE = 0x2020;
const FLAG_SIZES_FOLLOW = 0x8;
const ZIP64_SIZE = 0xffffffff;
/** Of an entry in the directory (APPNOTE 4.3.12). */
const CENTRAL_SIGNATURE = 0x02014b50;
/** Systems (APPNOTE 4.4.2) whose entries carry Unix modes: Unix and macOS. */
const UNIX_SYSTEMS = [3, 19];
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

/** Reads and checks the directory of a zip file. Rejects with a PackageError. */
export async function readZip(path: string, limits: PackageLimits): Promise<ZipContents> {
  const zip = await openZip(path);
  try {
    if (zip.entryCount === 0) refuse("The zip is empty");
    if (zip.entryCount > limits.entryCountMax) {
      refuse(`The zip has ${zip.entryCount} entries: at most ${limits.entryCountMax} are accepted`);
    }
    const directoryOffset = zip.readEntryCursor as unknown as number;
    const items: ZipItem[] = [];
    let directoryBytes = 0;
    for await (const entry of zip.eachEntry()) {
      directoryBytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
      if (directoryBytes > limits.directoryMaxBytes) {
        refuse(`The names and comments in the zip have more than ${limits.directoryMaxBytes} bytes together`);
      }
      items.push(itemOf(entry, limits));
    }
    await checkEnd(path, zip);
    checkTree(items);
    const unpackedBytes = checkSizes(items, limits);
    await checkPlaces(zip, items, directoryOffset);
    return { zip, items, unpackedBytes, [Symbol.dispose]: () => zip.close() };
  } catch (error) {
    zip.close();
    throw asPackageError(error);
  }
}

/** After as many entries as the zip says it has there is no other, which another reader might see. */
async function checkEnd(path: string, zip: ZipFile): Promise<void> {
  await using file = await open(path, "r");
  const signature = Buffer.alloc(4);
  await file.read(signature, 0, signature.length, zip.readEntryCursor as unknown as number);
  if (signature.readUInt32LE() === CENTRAL_SIGNATURE) {
    refuse(`The zip has more entries than the ${zip.entryCount} that it says: pack it again`);
  }
}

async function openZip(path: string): Promise<ZipFile> {
  try {
    const zip = await openPromise(path, { strictFileNames: true, autoClose: false });
    readAhead(zip);
    return zip;
  } catch (error) {
    throw asPackageError(error);
  }
}

/** Errors of the zip reader are the zip's fault. */
export function asPackageError(error: unknown): unknown {
  if (error instanceof PackageError || !(error instanceof Error)) return error;
  if ("code" in error && String(error.code).startsWith("E")) return error;
  return new PackageError("invalid", `The zip cannot be read: ${error.message}`, { cause: error });
}

function itemOf(entry: Entry, limits: PackageLimits): ZipItem {
  const path = checkedPath(entry.fileName, limits);
  const shown = JSON.stringify(entry.fileName);
  if (entry.generalPurposeBitFlag & FLAG_ENCRYPTED) refuse(`The entry ${shown} in the zip is encrypted`);
  if (entry.generalPurposeBitFlag & FLAGS_UNREADABLE) refuse(`The entry ${shown} in the zip is masked or a patch`);
  if (!METHODS.includes(entry.compressionMethod)) {
    refuse(`The entry ${shown} in the zip is packed by method ${entry.compressionMethod}: only deflate is accepted`);
  }
  const unixMode = UNIX_SYSTEMS.includes(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0;
  const kind = kindOf(entry.fileName, unixMode & S_IFMT, shown);
  return { kind, path, mode: permissions(unixMode), entry };
}

function kindOf(name: string, type: number, shown: string): ZipItem["kind"] {
  const named = name.endsWith("/") ? "folder" : "file";
  if (type === 0) return named;
  if (type === S_IFDIR) return "folder";
  if (type === S_IFREG && named === "file") return "file";
  if (type === S_IFLNK && named === "file") return "link";
  return refuse(`The entry ${shown} in the zip is a device, a pipe, a socket or of no clear kind`);
}

/**
 * Kept as packed, without setuid, setgid and sticky bits and without writing for others. An instance runs under a
 * user of its own, so what the owner may read or execute all may. Packed where files have no mode: readable.
 */
function permissions(unixMode: number): number {
  const kept = (unixMode & 0o755) | 0o644;
  return unixMode & 0o100 ? kept | 0o111 : kept;
}

/** Every path once, also where a file system takes two spellings of a character for one; nothing below a file or link. */
function checkTree(items: readonly ZipItem[]): void {
  const kinds = new Map<string, ZipItem["kind"]>();
  for (const { path, kind } of items) {
    const spelling = path.normalize("NFC");
    if (kinds.has(spelling)) refuse(`The name ${JSON.stringify(path)} stands twice in the zip`);
    kinds.set(spelling, kind);
  }
  for (const path of kinds.keys()) {
    for (const parent of parentsOf(path)) {
      const kind = kinds.get(parent);
      if (kind !== undefined && kind !== "folder") {
        refuse(`The name ${JSON.stringify(path)} in the zip lies below ${JSON.stringify(parent)}, which is a ${kind}`);
      }
    }
  }
}

/** Sizes as declared, and their sum; unpacking fails where the bytes differ from them. */
function checkSizes(items: readonly ZipItem[], limits: PackageLimits): number {
  let total = 0;
  for (const { path, kind, entry } of items) {
    const { uncompressedSize, compressedSize } = entry;
    const shown = JSON.stringify(path);
    if (kind === "folder" && uncompressedSize > 0) refuse(`The folder ${shown} in the zip has bytes of its own`);
    if (kind === "link" && uncompressedSize > limits.linkTargetMaxBytes) {
      refuse(`The symbolic link ${shown} in the zip is longer than ${limits.linkTargetMaxBytes} bytes`);
    }
    if (uncompressedSize > limits.ratioFromBytes && uncompressedSize > compressedSize * limits.ratioMax) {
      refuse(`The file ${shown} unpacks to more than ${limits.ratioMax} times its size: this looks like a zip bomb`);
    }
    total += uncompressedSize;
  }
  if (total > limits.unpackedSizeMaxBytes) {
    refuse(`The zip unpacks to ${total} bytes: at most ${limits.unpackedSizeMaxBytes} are accepted`);
  }
  return total;
}

/** The local headers agree with the directory, and no two entries share bytes (as overlapping zip bombs do). */
async function checkPlaces(zip: ZipFile, items: readonly ZipItem[], directoryOffset: number): Promise<void> {
  const places: { from: number; to: number }[] = [];
  for (const { entry, path } of items) {
    const local = await zip.readLocalFileHeaderPromise(entry);
    const sizesAgree =
      (entry.generalPurposeBitFlag & FLAG_SIZES_FOLLOW) !== 0 ||
      (agrees(local.compressedSize, entry.compressedSize) && agrees(local.uncompressedSize, entry.uncompressedSize));
    const headersAgree =
      local.fileName.equals(entry.fileNameRaw) &&
      local.compressionMethod === entry.compressionMethod &&
      ((local.generalPurposeBitFlag ^ entry.generalPurposeBitFlag) & (FLAG_ENCRYPTED | FLAG_SIZES_FOLLOW)) === 0 &&
      ((local.generalPurposeBitFlag & FLAG_SIZES_FOLLOW) !== 0 || local.crc32 === entry.crc32);
    if (!sizesAgree || !headersAgree) {
      refuse(`The entry ${JSON.stringify(path)} in the zip differs from its own header: pack it again`);
    }
    places.push({ from: entry.relativeOffsetOfLocalHeader, to: local.fileDataStart + entry.compressedSize });
  }
  places.sort((left, right) => left.from - right.from);
  let end = 0;
  for (const { from, to } of places) {
    if (from < end) refuse("Entries of the zip overlap: this looks like a zip bomb");
    end = to;
  }
  if (end > directoryOffset) refuse("Entries of the zip overlap its directory: this looks like a zip bomb");
}

function agrees(local: number, central: number): boolean {
  return local === central || local === ZIP64_SIZE;
}
