/** Debian's kernel for virtual machines, fetched and unpacked, never installed. */
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { cached } from "./cache.ts";
import { runTool } from "./run-tool.ts";

/** Always depends on the newest one of its release. */
const META_PACKAGE = "linux-image-cloud-amd64";

export interface Kernel {
  readonly image: string;
  /** File of each module by its name, which has `_` throughout. */
  readonly modules: ReadonlyMap<string, string>;
}

/** Fetches it where it is not in the cache. Rejects with apt's words when that fails. */
export async function debianKernel(): Promise<Kernel> {
  const found = (await newest([])) ?? (await newestOfOwnLists());
  const folder = await cached(`${found.name}-${found.version}`, async (target) => {
    await runTool("apt-get", [...found.options, "download", `${found.name}=${found.version}`], { cwd: target });
    const [archive] = globSync("*.deb", { cwd: target });
    await runTool("dpkg-deb", ["-x", archive!, "."], { cwd: target });
    rmSync(join(target, archive!));
  });
  const [image] = globSync("boot/vmlinuz-*", { cwd: folder });
  if (image === undefined) throw new Error(`the package ${found.name} has no kernel in /boot`);
  const files = globSync(["lib/modules/*/kernel/**/*.ko", "usr/lib/modules/*/kernel/**/*.ko"], { cwd: folder });
  const modules = new Map(files.map((file) => [moduleName(basename(file, ".ko")), join(folder, file)]));
  return { image: join(folder, image), modules };
}

/** Files of the modules with such names and of all that they need, in the order in which they can be loaded. */
export function moduleFiles({ modules }: Kernel, names: readonly RegExp[]): string[] {
  const ordered = new Set<string>();
  const add = (name: string): void => {
    const file = modules.get(name);
    if (file === undefined || ordered.has(file)) return;
    // Strings of the section .modinfo end in NUL.
    const depends = /\0depends=([^\0]*)\0/.exec(readFileSync(file, "latin1"))?.[1] ?? "";
    for (const needed of depends.split(",")) add(moduleName(needed));
    ordered.add(file);
  };
  for (const name of names) [...modules.keys()].filter((module) => name.test(module)).forEach(add);
  return [...ordered];
}

function moduleName(name: string): string {
  return name.replaceAll("-", "_");
}

interface KernelPackage {
  readonly name: string;
  readonly version: string;
  /** Options of apt with which it was found. */
  readonly options: readonly string[];
}

async function newest(options: readonly string[]): Promise<KernelPackage | undefined> {
  const shown = await runTool("apt-cache", [...options, "show", META_PACKAGE]).catch(() => "");
  const [, name, version] = /^Depends: (linux-image-\S+) \(= ([^)]+)\)/m.exec(shown) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version, options };
}

/** On a machine that has no lists of packages, or old ones: into a folder of our own, since the machine's are not ours. */
async function newestOfOwnLists(): Promise<KernelPackage> {
  const folder = await cached("apt", async (target) => {
    for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(target, name), { recursive: true });
  });
  const options = [
    ...["-o", `Dir::State::lists=${join(folder, "lists")}`, "-o", `Dir::Cache=${join(folder, "cache")}`],
    ...["-o", "APT::Sandbox::User=root"],
  ];
  await runTool("apt-get", [...options, "-q", "update"]);
  const found = await newest(options);
  if (found === undefined) throw new Error(`the package sources of this machine do not have ${META_PACKAGE}`);
  return found;
}
