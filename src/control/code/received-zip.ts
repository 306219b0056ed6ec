/** A zip on its way in: written to a temporary file as it arrives, its checksums made on the way. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { Crc64 } from "./crc64.ts";
import { asRoomError } from "./free-space.ts";
import { refuse } from "./package-error.ts";

/** A zip that is on disk whole. Its file goes when this is disposed of, unless a package was made of it. */
export class ReceivedZip implements AsyncDisposable {
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** CRC-64/XZ in decimal. */
  readonly checksum: string;
  readonly sizeBytes: number;

  constructor(facts: Pick<ReceivedZip, "path" | "sha256" | "checksum" | "sizeBytes">) {
    this.path = facts.path;
    this.sha256 = facts.sha256;
    this.checksum = facts.checksum;
    this.sizeBytes = facts.sizeBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** Takes the bytes of one zip. Its file goes when this is disposed of before `finish`. */
export class ZipReceiver implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #sizeMaxBytes: number;
  readonly #sha256 = createHash("sha256");
  readonly #crc64 = new Crc64();
  #sizeBytes = 0;
  #isFinished = false;

  private constructor(path: string, file: FileHandle, sizeMaxBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** Makes the file, which must not be there. */
  static async open(path: string, sizeMaxBytes: number): Promise<ZipReceiver> {
    return new ZipReceiver(path, await open(path, "wx", 0o600), sizeMaxBytes);
  }

  /** Rejects with a PackageError once there are more bytes than `sizeMaxBytes`, or than the disk takes. */
  async write(bytes: Buffer): Promise<void> {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > this.#sizeMaxBytes) {
      refuse(`The zip has more than ${this.#sizeMaxBytes / 1024 ** 2} MB, which is the most that is accepted this way`);
    }
    this.#sha256.update(bytes);
    this.#crc64.update(bytes);
    try {
      await this.#file.writeFile(bytes);
    } catch (error) {
      throw asRoomError(error);
    }
  }

  async finish(): Promise<ReceivedZip> {
    const facts = {
      path: this.#path,
      sha256: this.#sha256.digest("hex"),
      checksum: this.#crc64.digest(),
      sizeBytes: this.#sizeBytes,
    };
    await this.#file.close();
    this.#isFinished = true;
    return new ReceivedZip(facts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isFinished) return;
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
