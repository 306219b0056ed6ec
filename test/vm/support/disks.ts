/** What the guest boots from: first file system in memory, its system, and this checkout. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { cached } from "./cache.ts";
import { type Kernel, moduleFiles } from "./kernel.ts";
import { runTool } from "./run-tool.ts";
import { copySystem, fingerprint, systemFiles } from "./system-files.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
/** For the guest's disks, and for sandboxes: links, firewall, egress, and disks of their own. Nothing is loaded later. */
const MODULES = [/^virtio_(pci|blk)$/, /^veth$/, /^nf_tables$/, /^nft_/, /^nf_reject_/, /^tun$/, /^loop$/, /^overlay$/];
const SYSTEM_DISK_MB = 1024;
const CHECKOUT_DISK_MB = 128;
const SWAP_DISK_MB = 512;

/** A disk with ext4 and the content of `folder`. */
async function makeDisk(file: string, folder: string, sizeMb: number): Promise<void> {
  await runTool("mke2fs", [
    "-q",
    "-t",
    "ext4",
    "-O",
    "^has_journal",
    "-E",
    "root_owner=0:0",
    "-d",
    folder,
    file,
    `${sizeMb}m`,
  ]);
}

/** The same for all runs as long as the programs in it are. */
export async function systemDisk(nodePath: string): Promise<string> {
  const files = await systemFiles(nodePath);
  const layout = readFileSync(join(import.meta.dirname, "system-files.ts"));
  const key = createHash("sha256").update(layout).update(fingerprint(files)).digest("hex").slice(0, 16);
  const folder = await cached(`system-${key}`, async (target) => {
    copySystem(files, join(target, "root"));
    await makeDisk(join(target, "disk.img"), join(target, "root"), SYSTEM_DISK_MB);
    await runTool("rm", ["-rf", join(target, "root")]);
  });
  return join(folder, "disk.img");
}

/** What the tests in the guest are run from: our sources as they are now, and the packages that these import. */
export async function checkoutDisk(folder: string): Promise<string> {
  const content = join(folder, "checkout");
  for (const part of ["package.json", "src/base", "src/model", "src/drivers", "test/vm"]) {
    cpSync(join(ROOT, part), join(content, part), { recursive: true });
  }
  for (const name of importedPackages()) {
    cpSync(join(ROOT, "node_modules", name), join(content, "node_modules", name), { recursive: true });
  }
  const file = join(folder, "checkout.img");
  await makeDisk(file, content, CHECKOUT_DISK_MB);
  return file;
}

/** An empty one. */
export function swapDisk(folder: string): string {
  const file = join(folder, "swap.img");
  writeFileSync(file, "");
  truncateSync(file, SWAP_DISK_MB * 1024 * 1024);
  return file;
}

/** Loads the modules, mounts the disks and hands over to `inside/init.sh`. */
export async function firstFileSystem(folder: string, kernel: Kernel): Promise<string> {
  const content = join(folder, "initramfs");
  mkdirSync(join(content, "modules"), { recursive: true });
  for (const name of ["bin", "dev", "proc", "root"]) mkdirSync(join(content, name));
  const busybox = "/usr/bin/busybox";
  copyFileSync(busybox, join(content, "bin/busybox"));
  const modules = moduleFiles(kernel, MODULES);
  for (const file of modules) copyFileSync(file, join(content, "modules", basename(file)));
  writeFileSync(
    join(content, "init"),
    [
      "#!/bin/busybox sh",
      "set -e",
      "/bin/busybox --install -s /bin",
      "mount -t devtmpfs none /dev",
      ...modules.map((file) => `insmod /modules/${basename(file)}`),
      "mount -t ext4 -o ro /dev/vda /root",
      "mount -t ext4 /dev/vdb /root/work",
      "mount --move /dev /root/dev",
      "exec switch_root /root /usr/bin/busybox sh /work/test/vm/inside/init.sh",
      "",
    ].join("\n"),
  );
  chmodSync(join(content, "init"), 0o755);
  const names = ["init", ...globSync("**", { cwd: content }).filter((name) => name !== "." && name !== "init")];
  const archive = join(folder, "initramfs.cpio");
  await runTool(busybox, ["cpio", "-o", "-H", "newc", "-F", archive], { cwd: content, input: `${names.join("\n")}\n` });
  return archive;
}

/** Packages that the copied sources import, with those that these depend on. */
function importedPackages(): string[] {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8");
    const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> };
    Object.keys(dependencies).forEach(add);
  };
  for (const file of globSync("src/{base,model,drivers}/**/*.ts", { cwd: ROOT })) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const [, name] of text.matchAll(/ from "((?:@[^/"]+\/)?[^./"][^/":]*)(?:\/[^"]*)?"/g)) {
      if (!isTestOnly(file)) add(name!);
    }
  }
  return [...found];
}

function isTestOnly(file: string): boolean {
  return file.endsWith(".test.ts") || basename(dirname(file)) === "testing";
}
