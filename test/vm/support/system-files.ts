/** The part of this machine's system that the guest has: some programs with the libraries they are linked with. */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { findTool } from "../../../src/drivers/host/find-tool.ts";
import { SANDBOX_TOOLS } from "../../../src/drivers/sandbox/sandbox-launcher.ts";
import { runTool } from "./run-tool.ts";

const PROGRAMS = [
  ...Object.keys(SANDBOX_TOOLS),
  ...["mount", "umount", "ps"],
  ...["sh", "cat", "chmod", "echo", "env", "false", "head", "id", "ls", "mkdir", "rm", "sleep", "tail", "true"],
];
/** Names beside /usr that are links into it. */
const FOLDERS = ["bin", "sbin", "lib", "lib64"];

/** A file of the guest. */
export interface SystemFile {
  /** Its path there. */
  readonly path: string;
  readonly source: string;
}

/** `nodePath` becomes /usr/local/bin/node. Rejects when a program is not installed. */
export async function systemFiles(nodePath: string): Promise<SystemFile[]> {
  const files = new Map<string, string>();
  files.set("/usr/local/bin/node", nodePath);
  files.set("/usr/bin/busybox", tool("busybox"));
  for (const name of PROGRAMS) files.set(join(realpathSync(dirname(tool(name))), name), realpathSync(tool(name)));
  for (const source of [...files.values()]) {
    for (const library of await libraries(source)) {
      files.set(join(realpathSync(dirname(library)), basename(library)), realpathSync(library));
    }
  }
  return [...files].map(([path, source]) => ({ path, source }));
}

/** Changes with any of the files. */
export function fingerprint(files: readonly SystemFile[]): string {
  return files
    .map(({ path, source }) => {
      const { size, mtimeMs } = statSync(source);
      return `${path} ${source} ${size} ${mtimeMs}`;
    })
    .join("\n");
}

/** Lays them out below `root`, with the folders that the guest mounts upon. */
export function copySystem(files: readonly SystemFile[], root: string): void {
  for (const folder of ["dev", "etc", "proc", "run", "sys", "tmp", "usr", "var/tmp", "work"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const { path, source } of files) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(source, join(root, path));
  }
  for (const name of FOLDERS) {
    const status = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (!status?.isSymbolicLink()) continue;
    mkdirSync(join(root, "usr", name), { recursive: true });
    if (!existsSync(join(root, name))) symlinkSync(readlinkSync(`/${name}`), join(root, name));
  }
}

function tool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** Paths as ldd(1) prints them; none for what is linked statically. */
async function libraries(program: string): Promise<string[]> {
  const printed = await runTool("ldd", [program]).catch(() => "");
  return [...printed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!);
}
