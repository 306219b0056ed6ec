/**
 * Code packages on disk: `<sha256>.zip` as uploaded, `<sha256>/` unpacked. They stand beside the store, not in it:
 * drivers mount folders, and a store over the network would only copy them. A folder appears by one rename, after all
 * in it is on disk, so a package is there whole or not at all.
 */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CodePackage } from "../../model/model.ts";
import { Crc64 } from "./crc64.ts";
import { asRoomError, checkFreeSpace } from "./free-space.ts";
import { PACKAGE_LIMITS, type PackageLimits } from "./limits.ts";
import { type ReceivedZip, ZipReceiver } from "./received-zip.ts";
import { flush, unpack } from "./unpack.ts";
import { readZip } from "./zip-contents.ts";

/** A package that stays on disk at least until it is disposed of, whoever names it. */
export interface HeldPackage extends Disposable {
  readonly code: CodePackage;
}

/** Files on the way have this prefix; what a crash left of them goes at the next start. */
const TEMPORARY = "tmp-";

export class CodePackages {
  readonly #dir: string;
  readonly #limits: PackageLimits;
  /** Number of holders by sha256. */
  readonly #held = new Map<string, number>();
  readonly #adding = new Map<string, Promise<CodePackage>>();

  private constructor(dir: string, limits: PackageLimits) {
    this.#dir = dir;
    this.#limits = limits;
  }

  /** Makes the folder when absent and removes what a crash left half done. */
  static async open(dir: string, limits: PackageLimits = PACKAGE_LIMITS): Promise<CodePackages> {
    await mkdir(dir, { recursive: true, mode: 0o755 });
    for (const name of await readdir(dir)) {
      if (name.startsWith(TEMPORARY)) await rm(join(dir, name), { recursive: true });
    }
    return new CodePackages(dir, limits);
  }

  /** Folder of an unpacked package. */
  dirOf(sha256: string): string {
    return join(this.#dir, sha256);
  }

  /** The zip as it was uploaded. */
  zipOf(sha256: string): string {
    return join(this.#dir, `${sha256}.zip`);
  }

  /**
   * Opens a file for a zip that is to come. Rejects with a PackageError where the disk has no room for as many bytes as
   * were announced.
   */
  async receive(sizeMaxBytes: number, announcedBytes = 0): Promise<ZipReceiver> {
    await checkFreeSpace(this.#dir, announcedBytes);
    return ZipReceiver.open(join(this.#dir, TEMPORARY + randomUUID()), sizeMaxBytes);
  }

  /** Unpacks a zip unless it is there already. Rejects with a PackageError; then nothing of it is kept. */
  async add(zip: ReceivedZip): Promise<HeldPackage> {
    const { sha256 } = zip;
    const release = this.#hold(sha256);
    try {
      const code = await (this.#adding.get(sha256) ?? this.#add(zip));
      return { code, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw asRoomError(error);
    }
  }

  /** The package of this name; undefined where there is none. */
  async find(sha256: string): Promise<HeldPackage | undefined> {
    const release = this.#hold(sha256);
    try {
      if (!(await exists(this.dirOf(sha256))) || !(await exists(this.zipOf(sha256)))) {
        release();
        return undefined;
      }
      const crc64 = new Crc64();
      for await (const chunk of createReadStream(this.zipOf(sha256))) crc64.update(chunk as Buffer);
      const { size } = await stat(this.zipOf(sha256));
      return { code: await this.#describe(sha256, crc64.digest(), size), [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Keeps a package on disk until it is disposed of, whether it is there or not. */
  hold(sha256: string): Disposable {
    return { [Symbol.dispose]: this.#hold(sha256) };
  }

  /** The packages on disk, by their sha256. */
  async names(): Promise<string[]> {
    return (await readdir(this.#dir)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  /** Removes packages that are neither in `keep` nor held; returns how many. */
  async sweep(keep: ReadonlySet<string>): Promise<number> {
    let count = 0;
    for (const name of await readdir(this.#dir)) {
      const sha256 = /^([0-9a-f]{64})(\.zip)?$/.exec(name)?.[1];
      if (sha256 === undefined || keep.has(sha256) || this.#held.has(sha256)) continue;
      if (!name.endsWith(".zip")) {
        // By rename first, so that a folder is never there in part.
        const doomed = join(this.#dir, TEMPORARY + randomUUID());
        await rename(join(this.#dir, name), doomed);
        await rm(doomed, { recursive: true });
        count += 1;
      } else await rm(join(this.#dir, name));
    }
    return count;
  }

  #hold(sha256: string): () => void {
    this.#held.set(sha256, (this.#held.get(sha256) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.#held.get(sha256) ?? 1) - 1;
      if (left === 0) this.#held.delete(sha256);
      else this.#held.set(sha256, left);
    };
  }

  #add(zip: ReceivedZip): Promise<CodePackage> {
    const adding = this.#write(zip).finally(() => this.#adding.delete(zip.sha256));
    this.#adding.set(zip.sha256, adding);
    return adding;
  }

  async #write(zip: ReceivedZip): Promise<CodePackage> {
    const { sha256 } = zip;
    if (!(await exists(this.dirOf(sha256)))) {
      const temporary = join(this.#dir, TEMPORARY + randomUUID());
      try {
        using contents = await readZip(zip.path, this.#limits);
        await checkFreeSpace(this.#dir, contents.unpackedBytes);
        await mkdir(temporary, { mode: 0o755 });
        await unpack(contents, temporary, this.#limits);
        await flush(zip.path);
        await rename(zip.path, this.zipOf(sha256));
        await rename(temporary, this.dirOf(sha256));
        await flush(this.#dir);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    }
    return this.#describe(sha256, zip.checksum, zip.sizeBytes);
  }

  async #describe(sha256: string, checksum: string, sizeBytes: number): Promise<CodePackage> {
    const hasBootstrap = await exists(join(this.dirOf(sha256), "bootstrap"));
    return { sha256, checksum, sizeBytes, hasBootstrap };
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
