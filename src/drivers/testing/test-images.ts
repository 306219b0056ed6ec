/** Images for tests, made of what this machine has: no registry is asked. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { openEngine } from "../container/engine.ts";
import { findTool } from "../host/find-tool.ts";
import { PROGRAM } from "./test-function.ts";

/** What the test function runs. */
const TOOLS = ["sh", "env", "sleep", "cat", "ls", "dd", "id", "ps"];

export interface TestImages {
  /** Node.js and a few programs, without a start command. */
  readonly base: string;
  /** The test function, to be run as user 1234. */
  readonly program: string;
}

export const IMAGE_UID = 1234;

/** Makes both in the engine at `address`. */
export async function makeTestImages(address: string): Promise<TestImages> {
  const root = await mkdtemp(join(tmpdir(), "sluice-test-image-"));
  try {
    await assemble(root);
    const base = await importImage(address, root, ['ENV PATH="/usr/local/bin:/usr/bin:/bin"']);
    const program = await importImage(address, root, [
      'ENV PATH="/usr/local/bin:/usr/bin:/bin"',
      'ENTRYPOINT ["/app/bootstrap"]',
      'CMD ["of the image"]',
      `USER ${IMAGE_UID}:${IMAGE_UID}`,
      "WORKDIR /app",
    ]);
    return { base, program };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function assemble(root: string): Promise<void> {
  for (const folder of ["tmp", "proc", "sys", "dev", "etc", "usr/bin", "usr/local/bin", "bin", "app"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await chmod(join(root, "tmp"), 0o1777);
  const programs = TOOLS.map((tool) => findTool(tool)).filter((path) => path !== undefined);
  for (const program of programs) await copy(program, join(root, "usr/bin", program.split("/").at(-1)!));
  await copy(join(root, "usr/bin/sh"), join(root, "bin/sh"));
  await copy(process.execPath, join(root, "usr/local/bin/node"));
  for (const library of librariesOf([process.execPath, ...programs])) await copy(library, join(root, library));
  await writeFile(join(root, "app/bootstrap"), PROGRAM, { mode: 0o755 });
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(await realpath(from), to);
}

/** Shared libraries and the loader (ldd(1)). */
function librariesOf(programs: readonly string[]): string[] {
  const { stdout } = spawnSync("ldd", programs, { encoding: "utf8" });
  return [...new Set([...stdout.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map(([, path]) => path!))];
}

/** Resolves with the id of the image. */
async function importImage(address: string, root: string, changes: readonly string[]): Promise<string> {
  const { docker } = await openEngine({ address });
  const tar = spawn("tar", ["--create", "--directory", root, "."], { stdio: ["ignore", "pipe", "inherit"] });
  const answer = (await docker.importImage(tar.stdout, { changes })) as Readable;
  let text = "";
  answer.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(answer, "end");
  const id = /"status":"(sha256:[0-9a-f]{64})"/.exec(text)?.[1];
  if (id === undefined) throw new Error(`no image was made: ${text}`);
  return id;
}
