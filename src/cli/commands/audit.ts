import type { AuditRecord } from "../../client/client.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, integerOption, jsonOption } from "../options.ts";
import { formatTable } from "../table.ts";

interface AuditFlags {
  data?: string;
  json?: boolean;
  lines?: number;
}

export const auditCommand = command<AuditFlags>({
  name: "audit",
  summary: "show who changed what through the API",
  options: [
    { flags: "-n, --lines <count>", description: "the last ones (default: 100)", parse: integerOption(1, 10_000) },
    dataOption,
    jsonOption,
  ],
  details:
    "All that is kept stands as JSON Lines in audit.log of the data directory, and older in audit.log.1 and so on.",
  async run(context, _positional, flags) {
    const { findPlatform } = await import("../platform.ts");
    const records = await findPlatform(context, flags.data).client.auditRecords(flags.lines ?? 100);
    printResult(context, flags.json, { records }, () =>
      formatTable(["TIME", "KEY", "OPERATION", "RESULT", "CHANGED", "REQUEST"], records.map(rowOf)),
    );
    return undefined;
  },
});

function rowOf({ at, accessKeyId, operation, status, code, changed, path, requestId }: AuditRecord): string[] {
  const what = changed.length === 0 ? path : changed.join(", ");
  return [new Date(at).toISOString(), accessKeyId, operation, code ?? String(status), what, requestId];
}
