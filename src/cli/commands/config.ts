import { resolve } from "node:path";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataDirectory } from "../data-directory.ts";
import { dataOption, jsonOption } from "../options.ts";

export const configCommand = command<{ data?: string; json?: boolean; config?: string }>({
  name: "config",
  summary: "print the configuration in force, every limit and default by name",
  options: [
    { flags: "--config <file>", description: "configuration (default: config.yaml in the data directory)" },
    dataOption,
    jsonOption,
  ],
  async run(context, _positional, flags) {
    const { printableConfiguration } = await import("../../server/server.ts");
    const { parse } = await import("yaml");
    const file = flags.config === undefined ? undefined : resolve(context.cwd, flags.config);
    const text = printableConfiguration(dataDirectory(context, flags.data), file);
    printResult(context, flags.json, parse(text), () => text);
    return undefined;
  },
});
