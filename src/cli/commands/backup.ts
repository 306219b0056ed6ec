import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";

export const backupCommand = command<{ data?: string; json?: boolean; force?: boolean }>({
  name: "backup",
  summary: "write everything that Sluice keeps into one file, while it runs",
  arguments: ["<file>"],
  options: [{ flags: "-f, --force", description: "replace the file where it is there" }, dataOption, jsonOption],
  details:
    "The file is a zip with the database as of one moment, the code packages, the keys, credentials and certificates of\n" +
    "the data directory, and a manifest with their checksums. Whoever can read it can do what you can: its mode is 0600.\n" +
    "config.yaml and logs are not in it. It is there whole or not at all. Read it back with 'sluice restore'.",
  async run(context, [file = ""], flags) {
    const { resolve } = await import("node:path");
    const { findPlatform } = await import("../platform.ts");
    const { writeWhole } = await import("../whole-file.ts");
    const path = resolve(context.cwd, file);
    const { client } = findPlatform(context, flags.data);
    const sizeBytes = await writeWhole(path, flags.force === true, (signal) => client.backup(signal));
    printResult(context, flags.json, { file: path, sizeBytes }, () => `Wrote ${path} (${sizeBytes} bytes)`);
    return undefined;
  },
});
