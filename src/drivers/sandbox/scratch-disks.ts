/**
 * /tmp of sandboxes: each gets a file system of its own in a file, so that what a function writes there is on disk and
 * not in its memory, and ends at its diskSize. The file loses its name once it is mounted, in the mount namespace of the
 * instance alone: when that ends, the kernel gives back the mount, the loop device and the space.
 */
import { execFile } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findTool, TOOL_PATH } from "../host/find-tool.ts";
import { quote } from "../local/shell-words.ts";

/** A folder that every Linux has and in which nobody's data or programs are: here a disk hides nothing that is needed. */
const MOUNT_POINT = "/sys/kernel";
/** The part of a mounted disk that a function sees as its /tmp. */
export const SCRATCH_FOLDER = `${MOUNT_POINT}/tmp`;

/** With the type named nobody has to look for it; no helper of mount(8), no table of mounts. */
const MOUNT = "mount -n -i -t ext4 -o loop,nosuid,nodev,noatime,noinit_itable";
const BYTES_PER_MB = 1024 * 1024;
const BLOCK_BYTES = 4096;
/** Room for tables of inodes and blocks; what is left of it is filled up, so that a disk has the size that it says. */
const OVERHEAD = { factor: 1.03, fixedMb: 16 };
/** One block beyond: a file as large as the disk has more pieces than its inode can list. */
const SPARE_BLOCKS = 1;
const TOOLS: Readonly<Record<string, string>> = { "mkfs.ext4": "e2fsprogs", mount: "mount", unshare: "util-linux" };
const SET_UP_LIMIT_MS = 30_000;
/** Copies of a template that are made at once, of the size that is asked for again and again: one cp(1) for all of them. */
export const DISK_STOCK = 16;

/** An empty disk as a file. Its name is no more needed once it is mounted. */
export interface ScratchDisk {
  /**
   * Shell commands that give the mount namespace they run in this disk, over one that may be there. Where that fails they
   * end the shell with a word on standard error.
   */
  readonly mount: string;
  /** The same, and the file has no name any more after them, whether they fail or not. */
  readonly mountAndUnlink: string;
  /** Takes the name away. Idempotent, never throws. */
  unlink(): void;
}

export class ScratchDisks {
  readonly #folder: string;
  readonly #stockedMb: number;
  readonly #templates = new Map<number, Promise<string>>();
  /** Files of copies of that size. */
  readonly #stock: string[] = [];
  #stocking: Promise<void> | undefined;
  #count = 0;

  /**
   * Makes a disk for trial, as root, of the size of which a stock is kept. Rejects with an Error that says why /tmp cannot
   * be on disk here: a tool missing, no loop devices. `folder` is on a file system with room for them; disks that a dead
   * Sluice left in it are removed.
   */
  static async open(folder: string, stockedMb: number): Promise<ScratchDisks> {
    const missing = Object.keys(TOOLS).filter((tool) => findTool(tool) === undefined);
    if (missing.length > 0) throw new Error(`${missing.join(", ")} not found: install ${TOOLS[missing[0]!]}`);
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".img")) rmSync(join(folder, name), { recursive: true, force: true });
    }
    const disks = new ScratchDisks(folder, stockedMb);
    await disks.#template(stockedMb);
    return disks;
  }

  private constructor(folder: string, stockedMb: number) {
    this.#folder = folder;
    this.#stockedMb = stockedMb;
  }

  /** A disk that now belongs to the caller, who takes its name away. Rejects where one of that size cannot be made. */
  async take(diskMb: number): Promise<ScratchDisk> {
    const file = await this.#copy(diskMb);
    const name = quote(file);
    const mounted = `${MOUNT} ${name} ${MOUNT_POINT}`;
    const fail = `echo "its disk of ${diskMb} MB cannot be made" >&2; exit 1`;
    return {
      mount: `${mounted} || { ${fail}; }`,
      mountAndUnlink: `${mounted} || { rm -f ${name}; ${fail}; }\nrm -f ${name}`,
      unlink: () => rmSync(file, { force: true }),
    };
  }

  async #copy(diskMb: number): Promise<string> {
    if (diskMb !== this.#stockedMb) return (await this.#copies(diskMb, 1))[0]!;
    for (;;) {
      const file = this.#stock.shift();
      if (file !== undefined) return file;
      this.#stocking ??= this.#copies(diskMb, DISK_STOCK)
        .then((files) => void this.#stock.push(...files))
        .finally(() => {
          this.#stocking = undefined;
        });
      await this.#stocking;
    }
  }

  async #copies(diskMb: number, count: number): Promise<string[]> {
    const template = await this.#template(diskMb);
    const names = Array.from({ length: count }, () => `disk-${this.#count++}.img`);
    const files = names.map((name) => join(this.#folder, name));
    // cp copies to one name each, or several files into a folder: so the template gets as many names.
    const sources = join(this.#folder, `copied-${names[0]}`);
    mkdirSync(sources);
    try {
      for (const name of names) linkSync(template, join(sources, name));
      const from = names.map((name) => join(sources, name));
      await execute("cp", ["--sparse=always", "--reflink=auto", ...from, this.#folder]);
      return files;
    } catch (error) {
      for (const file of files) rmSync(file, { force: true });
      throw new Error(`no disk of ${diskMb} MB can be made: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      rmSync(sources, { recursive: true, force: true });
    }
  }

  /** Path of an empty file system of that size, to be copied. */
  #template(diskMb: number): Promise<string> {
    let template = this.#templates.get(diskMb);
    if (template === undefined) {
      template = makeTemplate(join(this.#folder, `template-${diskMb}.img`), diskMb);
      this.#templates.set(diskMb, template);
      template.catch(() => this.#templates.delete(diskMb));
    }
    return template;
  }
}

async function makeTemplate(file: string, diskMb: number): Promise<string> {
  const sizeMb = Math.ceil(diskMb * OVERHEAD.factor) + OVERHEAD.fixedMb;
  const blocks = (diskMb * BYTES_PER_MB) / BLOCK_BYTES + SPARE_BLOCKS;
  const name = quote(file);
  // No journal: what is in it ends with the instance. Tables of inodes stay unwritten, also in the background.
  await run([
    "set -e",
    `truncate -s ${sizeMb}M ${name}`,
    `mkfs.ext4 -q -F -b ${BLOCK_BYTES} -m 0 -O ^has_journal,^resize_inode -E lazy_itable_init=1,nodiscard -i 16384 ${name}`,
    `${MOUNT} ${name} ${MOUNT_POINT}`,
    `mkdir -m 1777 ${SCRATCH_FOLDER}`,
    `spare=$(($(stat -f -c %a ${MOUNT_POINT}) - ${blocks}))`,
    `[ "$spare" -le 0 ] || fallocate -l $((spare * ${BLOCK_BYTES})) ${MOUNT_POINT}/filler`,
    `umount ${MOUNT_POINT}`,
  ]);
  return file;
}

/** In a mount namespace that ends with it. */
function run(lines: readonly string[]): Promise<void> {
  return execute("unshare", ["--mount", "/bin/sh", "-c", lines.join("\n")]);
}

/** Rejects with the last line that the program says. */
function execute(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: TOOL_PATH }, timeout: SET_UP_LIMIT_MS };
    execFile(program, args, options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(stderr.trim().split("\n").at(-1) || error.message));
    });
  });
}
