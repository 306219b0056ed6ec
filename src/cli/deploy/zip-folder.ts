import type { Readable } from "node:stream";
import { ZipFile } from "yazl";
import type { CodeFile } from "./code-files.ts";

/**
 * The time that every entry bears: local, since zips hold local times, so that the same files give the same bytes in
 * every time zone. Zips begin with 1980.
 */
const ENTRY_TIME = new Date(1980, 0, 1);

const MODE_EXECUTABLE = 0o100755;
const MODE_FILE = 0o100644;
const MODE_LINK = 0o120777;

/**
 * Packs files, which are read as the zip is. The same files, executable bits and links give the same bytes, whenever and
 * wherever they are packed.
 */
export function zipFiles(files: readonly CodeFile[]): Readable {
  const zip = new ZipFile();
  const packed = zip.outputStream as Readable;
  zip.on("error", (error: Error) => packed.destroy(error));
  for (const file of files) {
    const common = { mtime: ENTRY_TIME, forceDosTimestamp: true };
    if (file.kind === "link") {
      zip.addBuffer(Buffer.from(file.target), file.name, { ...common, mode: MODE_LINK, compress: false });
    } else {
      const mode = file.executable ? MODE_EXECUTABLE : MODE_FILE;
      zip.addFile(file.path, file.name, { ...common, mode });
    }
  }
  zip.end();
  return packed;
}
