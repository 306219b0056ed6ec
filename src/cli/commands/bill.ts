import { gbSecondsOf } from "../../model/model.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";
import { formatTable } from "../table.ts";

export const billCommand = command<{ data?: string; json?: boolean }>({
  name: "bill",
  summary: "show calls, busy time and memory time of each function",
  options: [dataOption, jsonOption],
  details:
    "Busy time is the time in which at least one call was open on an instance, summed over instances; it is what is billed.\n" +
    "GB-seconds are busy time multiplied by memorySize.",
  async run(context, _positional, flags) {
    const { findPlatform } = await import("../platform.ts");
    const { client } = findPlatform(context, flags.data);
    const usage = (await client.usage()).map((row) => ({ ...row, gbSeconds: gbSecondsOf(row) }));
    printResult(context, flags.json, { usage }, () =>
      formatTable(
        ["FUNCTION", "MEMORY MB", "CALLS", "BUSY MS", "GB-SECONDS"],
        usage.map((row) => [
          row.function,
          String(row.memoryMb),
          String(row.calls),
          String(row.busyMs),
          row.gbSeconds.toFixed(3),
        ]),
      ),
    );
    return undefined;
  },
});
