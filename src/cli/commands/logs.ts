import type { LogRecord } from "../../client/client.ts";
import { command } from "../command.ts";
import { dataOption, integerOption } from "../options.ts";

interface LogsFlags {
  data?: string;
  json?: boolean;
  follow?: boolean;
  requestId?: string;
  lines?: number;
}

export const logsCommand = command<LogsFlags>({
  name: "logs",
  summary: "show what functions wrote, and how the platform ended calls",
  arguments: ["[function]"],
  options: [
    { flags: "-f, --follow", description: "stay and show new lines as they come" },
    { flags: "--request-id <id>", description: "only lines of this call" },
    {
      flags: "-n, --lines <count>",
      description: "only the last lines (default: all that are kept)",
      parse: integerOption(0, 1_000_000),
    },
    dataOption,
    { flags: "--json", description: "JSON Lines on stdout" },
  ],
  details:
    "FUNCTION is SERVICE/FUNCTION, or SERVICE.QUALIFIER/FUNCTION; without it the lines of all functions are shown.",
  async run(context, [name], flags) {
    const { findPlatform } = await import("../platform.ts");
    const { client } = findPlatform(context, flags.data);
    const query = {
      ...(name !== undefined && { function: name }),
      ...(flags.requestId !== undefined && { requestId: flags.requestId }),
    };
    const print = (record: LogRecord) => context.stdout.write(`${formatRecord(record, flags.json, name)}\n`);
    const past: LogRecord[] = [];
    const lineCount = flags.lines ?? Number.POSITIVE_INFINITY;
    let lastAt = 0;
    let countAtLast = 0;
    for await (const record of client.logs(query)) {
      countAtLast = record.at === lastAt ? countAtLast + 1 : 1;
      lastAt = record.at;
      past.push(record);
      if (past.length > lineCount) past.shift();
    }
    past.forEach(print);
    if (!flags.follow) return undefined;
    // A following stream begins with the past, too: it goes on where the past that was read above ends.
    for await (const record of client.logs({ ...query, sinceMs: lastAt, follow: true })) {
      if (record.at === lastAt && countAtLast > 0) countAtLast -= 1;
      else print(record);
    }
    return undefined;
  },
});

function formatRecord(record: LogRecord, json: boolean | undefined, name: string | undefined): string {
  if (json) return JSON.stringify(record);
  const time = new Date(record.at).toISOString();
  const origin = name === undefined ? `${record.function} ` : "";
  return `${time} ${origin}${record.source.padEnd(8)} ${printable(record.text)}`;
}

/** A function's text must not drive the terminal: control characters are shown by their code. */
function printable(text: string): string {
  return text.replace(/(?!\t)\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
