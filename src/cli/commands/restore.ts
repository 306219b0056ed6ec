import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { sleep } from "../../base/base.ts";
import type { RestoreAnswer, Upload } from "../../client/client.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { type Context, note, printResult } from "../context.ts";
import { dataOption, jsonOption, yesOption } from "../options.ts";

/** From the answer to the new control plane's: it reads everything that was restored. */
const IN_FORCE_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 100;

export const restoreCommand = command<{ data?: string; json?: boolean; assumeYes?: boolean }>({
  name: "restore",
  summary: "replace everything that Sluice keeps by a backup",
  arguments: ["<file>"],
  options: [yesOption, dataOption, jsonOption],
  details:
    "A running Sluice serves what was restored from then on; calls in flight go on. Where none runs, the data directory\n" +
    "is restored, which may be empty or damaged. Keys, credentials and certificates become those of the backup. What is\n" +
    "there now is gone, but for the bill. A backup that is damaged or does not fit changes nothing.",
  async run(context, [name = ""], flags) {
    const { confirm } = await import("../confirm.ts");
    const { findPlatform, stoppedDirectory } = await import("../platform.ts");
    const file = await readable(resolve(context.cwd, name));
    const directory = stoppedDirectory(context, flags.data);
    const target = directory ?? findPlatform(context, flags.data).apiUrl;
    if (!flags.assumeYes) {
      const would = `this would replace everything in ${target}`;
      await confirm(context, { would, question: `Replace everything in ${target}?`, declined: "nothing was changed" });
    }
    const answer =
      directory === undefined ? await restoreRunning(context, flags.data, file) : await restoreIn(directory, file);
    printResult(context, flags.json, answer, () => describe(answer, target));
    return undefined;
  },
});

async function readable(file: string): Promise<string> {
  try {
    await access(file, constants.R_OK);
    return file;
  } catch (error) {
    throw new CliError(`cannot read the backup ${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function restoreIn(directory: string, file: string): Promise<RestoreAnswer> {
  const { restoreStopped } = await import("../../server/server.ts");
  return restoreStopped(directory, file);
}

async function restoreRunning(context: Context, data: string | undefined, file: string): Promise<RestoreAnswer> {
  const { findPlatform } = await import("../platform.ts");
  const { client } = findPlatform(context, data);
  const { controlId } = await client.health();
  const answer = await client.restore(await uploadOf(file));
  const endAt = context.clock.nowMs() + IN_FORCE_TIMEOUT_MS;
  while (context.clock.nowMs() < endAt) {
    try {
      // Found anew each time: the keys may be others now.
      const health = await findPlatform(context, data).client.health();
      if (health.controlId !== controlId) return answer;
    } catch (error) {
      if (isRefused(error) && data === undefined && context.env["SLUICE_ENDPOINT"]) {
        note(
          context,
          "The keys are those of the backup now: set SLUICE_ACCESS_KEY_ID and SLUICE_ACCESS_KEY_SECRET anew",
        );
        return answer;
      }
    }
    await sleep(context.clock, LOOK_INTERVAL_MS);
  }
  throw new CliError("the backup is restored, but Sluice does not answer with it yet: look into sluice.log");
}

/** Whether Sluice answers, but not to this key. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && "status" in error && error.status === 403;
}

async function uploadOf(path: string): Promise<Upload> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { open: () => createReadStream(path), sizeBytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

function describe({ createdAt, services, functions }: RestoreAnswer, target: string): string {
  return `${target} is as it was backed up at ${createdAt}: ${services} services, ${functions} functions`;
}
