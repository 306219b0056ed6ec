/** The code package of one function: packed from a folder or taken as a ready zip, and looked at before it is sent. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import yauzl from "yauzl";
import { YamlError } from "../s-yaml/node.ts";
import type { Template } from "../s-yaml/template.ts";
import { type CodeFile, listCodeFiles } from "./code-files.ts";
import { PackedCode } from "./packed-code.ts";
import type { ServicePlan } from "./plan.ts";
import { PROGRAM_HEAD_BYTES, programKind, whyNotStartable } from "./program-kind.ts";
import { zipFiles } from "./zip-folder.ts";

/** Largest zip that Sluice takes (Function Compute, "Limits": 500 MB). */
const ZIP_MAX_BYTES = 500 * 1024 * 1024;
/** A folder larger than this is not even packed: a platform takes no more unpacked (its `unpackedSizeMaxBytes`). */
const FOLDER_MAX_BYTES = 1024 * 1024 * 1024;

const BOOTSTRAP = "bootstrap";

/** The machine that functions run on; undefined where the platform is elsewhere. */
export type TargetMachine = { readonly platform: NodeJS.Platform; readonly cpu: string } | undefined;

/** The zip of the plan's code. Throws a YamlError at `codeUri` for a package that could not start. */
export async function packCode(plan: ServicePlan, template: Template, machine: TargetMachine): Promise<PackedCode> {
  const complain = (message: string) => new YamlError(plan.codePlace, `codeUri: ${message}`);
  // Serverless Devs takes the folder of s.yaml where no codeUri is given.
  const path = resolve(template.folder, plan.function.codeUri ?? ".");
  const needsBootstrap = (plan.function.customRuntimeConfig?.command ?? []).length === 0;
  const shown = relative(template.folder, path) || ".";
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw complain(`expected a folder or a zip, but ${path} does not exist`);
  if (status.isDirectory()) {
    const files = listCodeFiles(path);
    refuseLargeFolder(files, complain);
    if (needsBootstrap) checkBootstrap(files, shown, machine, complain);
    return refuseLargeZip(await PackedCode.ofStream(zipFiles(files)), complain);
  }
  if (!status.isFile()) throw complain(`expected a folder or a zip, but ${path} is neither`);
  if (status.size > ZIP_MAX_BYTES) throw tooLarge(status.size, complain);
  const names = await namesIn(path).catch((error: Error) => {
    throw complain(`expected a folder or a zip, but ${shown} cannot be read as one: ${error.message}`);
  });
  if (needsBootstrap && !names.has(BOOTSTRAP)) throw complain(missingBootstrap(shown));
  return PackedCode.ofFile(path);
}

type Complain = (message: string) => YamlError;

function missingBootstrap(where: string): string {
  return (
    `expected a file bootstrap in ${where}, the program that is started: build it there, ` +
    "or set customRuntimeConfig.command"
  );
}

function checkBootstrap(files: readonly CodeFile[], shown: string, machine: TargetMachine, complain: Complain): void {
  const bootstrap = files.find((file) => file.name === BOOTSTRAP);
  if (bootstrap === undefined) throw complain(missingBootstrap(shown));
  if (bootstrap.kind === "link") return;
  if (!bootstrap.executable) {
    const name = join(shown, BOOTSTRAP);
    throw complain(`expected ${name} to be executable, and it is not: chmod +x ${name}`);
  }
  if (machine === undefined) return;
  const why = whyNotStartable(programKind(headOf(bootstrap.path)), machine.platform, machine.cpu);
  if (why !== undefined) throw complain(`${join(shown, BOOTSTRAP)} ${why}`);
}

function headOf(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(PROGRAM_HEAD_BYTES);
    return head.subarray(0, readSync(file, head, 0, head.length, 0));
  } finally {
    closeSync(file);
  }
}

function refuseLargeFolder(files: readonly CodeFile[], complain: Complain): void {
  let sizeBytes = 0;
  for (const file of files) if (file.kind === "file") sizeBytes += statSync(file.path).size;
  if (sizeBytes <= FOLDER_MAX_BYTES) return;
  const megabytes = Math.ceil(sizeBytes / 1024 / 1024);
  throw complain(`expected at most 1024 MB of files, got ${megabytes} MB: name what is not needed in .fcignore`);
}

async function refuseLargeZip(zip: PackedCode, complain: Complain): Promise<PackedCode> {
  if (zip.sizeBytes <= ZIP_MAX_BYTES) return zip;
  await zip[Symbol.asyncDispose]();
  throw tooLarge(zip.sizeBytes, complain);
}

function tooLarge(sizeBytes: number, complain: Complain): YamlError {
  const megabytes = Math.ceil(sizeBytes / 1024 / 1024);
  return complain(
    `expected a package of at most ${ZIP_MAX_BYTES / 1024 / 1024} MB, got ${megabytes} MB: name what is not needed in .fcignore`,
  );
}

async function namesIn(path: string): Promise<Set<string>> {
  const archive = await yauzl.openPromise(path);
  const names = new Set<string>();
  for await (const entry of archive.eachEntry()) names.add(entry.fileName);
  return names;
}
