import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that has no name and ends with this process, for programs of the same user or of root to open. */
export interface UnnamedFile {
  /** Where this process holds it. */
  readonly path: string;
  close(): void;
}

/** Throws what the file system throws. */
export function openUnnamedFile(content: Buffer): UnnamedFile {
  const folder = mkdtempSync(join(tmpdir(), "sluice-"));
  try {
    const name = join(folder, "file");
    writeFileSync(name, content, { mode: 0o600 });
    const descriptor = openSync(name, "r");
    return { path: `/proc/${process.pid}/fd/${descriptor}`, close: () => closeSync(descriptor) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
