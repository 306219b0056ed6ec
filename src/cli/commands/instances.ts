import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { functionsMeant, nameOf } from "../functions-meant.ts";
import { dataOption, jsonOption } from "../options.ts";
import { formatTable } from "../table.ts";

const HEADING = ["INSTANCE", "FUNCTION", "REVISION", "STATE", "AGE", "CALLS", "MEMORY MB", "PROVISIONED", "RESTARTS"];

export const instancesCommand = command<{ data?: string; json?: boolean }>({
  name: "instances",
  summary: "show the instances of functions",
  arguments: ["[function]"],
  options: [dataOption, jsonOption],
  details:
    "FUNCTION is SERVICE/FUNCTION, or SERVICE for all functions of a service; without it all are shown. What runs under a\n" +
    "version or an alias is shown as SERVICE.QUALIFIER/FUNCTION.\n" +
    "CALLS is open calls / calls at once; RESTARTS counts the function's instances that ended by themselves.",
  async run(context, [name], flags) {
    const { findPlatform } = await import("../platform.ts");
    const infos = await findPlatform(context, flags.data).client.functionInfos();
    const instances = functionsMeant(infos, name).flatMap((info) =>
      info.instances.map((instance) => ({
        function: nameOf(info),
        qualifier: info.qualifier,
        restarts: info.restarts ?? 0,
        ...instance,
      })),
    );
    const nowAt = context.clock.epochMs();
    printResult(context, flags.json, { instances }, () =>
      formatTable(
        HEADING,
        instances.map((each) => [
          each.instanceId,
          each.function,
          each.revisionId,
          each.phase,
          ageText(nowAt - each.startedAt),
          `${each.openCalls}/${each.slots ?? "?"}`,
          each.memoryUsedMb === undefined ? "?" : String(Math.round(each.memoryUsedMb)),
          each.provisioned ? "yes" : "no",
          String(each.restarts),
        ]),
      ),
    );
    return undefined;
  },
});

/** In its largest unit: `90s` is `1m`. */
function ageText(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
