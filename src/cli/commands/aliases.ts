import type { AliasDocument } from "../../client/client.ts";
import { UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";
import { formatTable } from "../table.ts";

interface AliasFlags {
  data?: string;
  json?: boolean;
  description?: string;
  weight?: Readonly<Record<string, number>>;
}

export const aliasesCommand = command<AliasFlags>({
  name: "aliases",
  summary: "create, set, list or delete aliases: names for versions, which triggers lead to",
  arguments: ["<action>", "<service>", "[alias]", "[version]"],
  options: [
    {
      flags: "--weight <version=share>",
      description: "another version with its share of the calls, as 2=0.1 (default: none)",
      parse: weightOption,
    },
    { flags: "--description <text>", description: "what the alias is for" },
    dataOption,
    jsonOption,
  ],
  details:
    "ACTION is create, set, list or delete. set points an alias at VERSION, with all calls unless --weight says otherwise;\n" +
    "with --weight alone its version stays. Calls that are open end where they are.",
  async run(context, [action = "", service = "", alias, version], flags) {
    const { findPlatform } = await import("../platform.ts");
    checkUsage(action, alias, version, flags);
    const { client } = findPlatform(context, flags.data);
    const aliases = client.aliases(service);
    const aliasName = alias ?? "";
    const given = {
      ...(version !== undefined && { versionId: version }),
      ...(flags.description !== undefined && { description: flags.description }),
      ...((version !== undefined || flags.weight) && { additionalVersionWeight: flags.weight ?? {} }),
    };
    switch (action) {
      case "list": {
        const all = await aliases.list();
        printResult(context, flags.json, { aliases: all }, () =>
          formatTable(
            ["ALIAS", "VERSION", "SHARES", "DESCRIPTION"],
            all.map((each) => [each.aliasName, each.versionId, sharesOf(each), each.description ?? ""]),
          ),
        );
        return undefined;
      }
      case "delete":
        await aliases.delete(aliasName);
        printResult(context, flags.json, { deleted: aliasName }, () => `Deleted alias ${aliasName} of ${service}`);
        return undefined;
      default: {
        const document =
          action === "create"
            ? await aliases.create({ aliasName, versionId: version ?? "", ...given })
            : await aliases.update(aliasName, given);
        printResult(context, flags.json, document, () => `${service}.${aliasName} leads to ${describe(document)}`);
        return undefined;
      }
    }
  },
});

function checkUsage(action: string, alias: string | undefined, version: string | undefined, flags: AliasFlags): void {
  if (!["create", "set", "list", "delete"].includes(action)) {
    throw new UsageError(`expected create, set, list or delete, got "${action}"`);
  }
  if (action !== "list" && alias === undefined) throw new UsageError(`expected the alias to ${action}`);
  if (action === "create" && version === undefined) throw new UsageError("expected the version that it leads to");
  const isChange = version !== undefined || flags.weight !== undefined || flags.description !== undefined;
  if (action === "set" && !isChange) throw new UsageError("expected a version, --weight or --description");
}

/** `2=0.1` or `2=10%`. */
function weightOption(text: string): Record<string, number> {
  const match = /^([1-9]\d*)=(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const share = Number(match?.[2]) / (match?.[3] === "%" ? 100 : 1);
  if (match === null || !(share <= 1)) {
    throw new UsageError(`expected a version and its share from 0 to 1, as 2=0.1 or 2=10%, got "${text}"`);
  }
  return { [match[1] ?? ""]: share };
}

function sharesOf({ additionalVersionWeight = {} }: AliasDocument): string {
  return Object.entries(additionalVersionWeight)
    .map(([version, weight]) => `${version}=${weight}`)
    .join(" ");
}

function describe(document: AliasDocument): string {
  const shares = sharesOf(document);
  const main = document.versionId === "LATEST" ? "LATEST" : `version ${document.versionId}`;
  return shares === "" ? main : `${main}, with shares of the calls for ${shares}`;
}
