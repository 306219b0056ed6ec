/** Writing a file from a stream: whole and on disk, or not at all. */
import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { CliError } from "./cli-error.ts";

/**
 * Writes what `content` gives beside `path`, mode 0600, then gives it the name. Interrupted, it removes what it wrote and
 * ends this process as the signal would. Returns the number of bytes.
 */
export async function writeWhole(
  path: string,
  mayReplace: boolean,
  content: (signal: AbortSignal) => Promise<Readable>,
): Promise<number> {
  if (!mayReplace && existsSync(path)) {
    throw new CliError(`${path} is there already: name another file, or say --force to replace it`);
  }
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.part`);
  const abort = new AbortController();
  const interrupted = (signal: NodeJS.Signals) => {
    abort.abort();
    rmSync(temporary, { force: true });
    process.kill(process.pid, signal);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    const sizeBytes = await write(temporary, await content(abort.signal));
    await rename(temporary, path);
    await flush(dirname(path));
    return sizeBytes;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw "syscall" in (error as object) ? unwritable(path, error as NodeJS.ErrnoException) : error;
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}

async function write(temporary: string, content: Readable): Promise<number> {
  let sizeBytes = 0;
  await using file = await open(temporary, "wx", 0o600);
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      await file.writeFile(chunk);
    }
  } catch (error) {
    if (content.errored !== error) throw error;
    throw new CliError(
      "Sluice ended the answer early, so that nothing was written: look into its log, then try again",
      {
        cause: error,
      },
    );
  }
  await file.sync();
  return sizeBytes;
}

async function flush(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

function unwritable(path: string, error: NodeJS.ErrnoException): CliError {
  const reason = error.code === "ENOSPC" ? "its disk has no room. Free space, or name a file elsewhere" : error.message;
  return new CliError(`cannot write ${path}: ${reason}`, { cause: error });
}
