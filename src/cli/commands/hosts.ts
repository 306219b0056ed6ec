import { CliError, UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { type Context, note, printResult } from "../context.ts";
import { hostsLines, withHostsBlock } from "../hosts-block.ts";
import { dataOption, jsonOption } from "../options.ts";

interface HostsFlags {
  data?: string;
  json?: boolean;
  write?: boolean;
  remove?: boolean;
}

export const hostsCommand = command<HostsFlags>({
  name: "hosts",
  summary: "print the hosts-file lines of all functions, write or remove them",
  options: [
    { flags: "--write", description: "as root: put the lines into this machine's hosts file, in a marked block" },
    { flags: "--remove", description: "as root: remove that block" },
    dataOption,
    jsonOption,
  ],
  async run(context, _positional, flags) {
    if (flags.write && flags.remove) throw new UsageError("expected --write or --remove, got both");
    if (flags.remove) {
      await change(context, []);
      printResult(context, flags.json, { lines: [] }, () => "");
      return undefined;
    }
    const { findPlatform, grpcAddressFor } = await import("../platform.ts");
    const { isIP } = await import("node:net");
    const platform = findPlatform(context, flags.data);
    const infos = await platform.client.functionInfos();
    const lines = infos.flatMap(({ host, urlInternet }) => {
      if (!host || !urlInternet) return [];
      const address = grpcAddressFor(platform, urlInternet)
        .replace(/:\d+$/, "")
        .replace(/^\[|\]$/g, "");
      return hostsLines(isIP(address) === 0 ? "127.0.0.1" : address, [host]);
    });
    if (flags.write) await change(context, lines);
    printResult(context, flags.json, { lines }, () => lines.join("\n"));
    return undefined;
  },
});

async function change(context: Context, lines: readonly string[]): Promise<void> {
  const { readFile, writeFile } = await import("node:fs/promises");
  const path = context.hostsFile;
  try {
    const before = await readFile(path, "utf8");
    const after = withHostsBlock(before, lines);
    // In place, not by rename: in a container the hosts file is a mount point.
    if (after !== before) await writeFile(path, after);
    note(context, after === before ? `${path} holds these lines already` : `Changed ${path}`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint =
      code === "EACCES" || code === "EPERM" || code === "EROFS" ? ": run this as root, for instance with sudo" : "";
    throw new CliError(`cannot change ${path}: ${message}${hint}`, { cause: error });
  }
}
