import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { CliError } from "../cli-error.ts";

const CHUNK_BYTES = 256 * 1024;

/** A zip that is ready to be sent: an open file, which may have no name any more. Dispose of it when it is deployed. */
export class PackedCode implements AsyncDisposable {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly #file: FileHandle;

  private constructor(file: FileHandle, sizeBytes: number, sha256: string) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
    this.sha256 = sha256;
  }

  /** The zip as it stands at `path`. */
  static async ofFile(path: string): Promise<PackedCode> {
    const file = await open(path, "r");
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of readFrom(file)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    return new PackedCode(file, sizeBytes, hash.digest("hex"));
  }

  /** Takes in what `zip` gives. Its file has no name, so that nothing is left however this process ends. */
  static async ofStream(zip: Readable): Promise<PackedCode> {
    const path = join(tmpdir(), `sluice-${randomUUID()}.zip`);
    const file = await open(path, "wx+", 0o600);
    await rm(path);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    try {
      for await (const chunk of zip as AsyncIterable<Buffer>) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        await file.writeFile(chunk);
      }
    } catch (error) {
      await file.close();
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      const advice = "make room there, or name another folder in TMPDIR";
      throw new CliError(`no room to pack the code in ${tmpdir()}: ${advice}`, { cause: error });
    }
    return new PackedCode(file, sizeBytes, hash.digest("hex"));
  }

  /** The bytes from the first one on, as often as it is asked. */
  open(): Readable {
    return Readable.from(readFrom(this.#file), { objectMode: false });
  }

  bytes(): Promise<Buffer> {
    return buffer(this.open());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}

/** Not the handle's own stream, which closes it where the reader goes away. */
async function* readFrom(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer: bytes } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    yield bytes.subarray(0, bytesRead);
    position += bytesRead;
  }
}
