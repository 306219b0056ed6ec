import { UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";
import { formatTable } from "../table.ts";

interface KeysFlags {
  data?: string;
  json?: boolean;
  description?: string;
}

const ACTIONS = ["create", "list", "disable", "delete"];

export const keysCommand = command<KeysFlags>({
  name: "keys",
  summary: "create, list, disable or delete the keys that requests and calls are signed with",
  arguments: ["<action>", "[key]"],
  options: [{ flags: "--description <text>", description: "what a new key is for" }, dataOption, jsonOption],
  details:
    "ACTION is create, list, disable or delete. The secret of a new key is shown once. A key is disabled for good, at once,\n" +
    "for the API and for signed calls; the last active one cannot be. Only a disabled key can be deleted.",
  async run(context, [action = "", key], flags) {
    const { findPlatform } = await import("../platform.ts");
    checkUsage(action, key, flags);
    const { client } = findPlatform(context, flags.data);
    const accessKeyId = key ?? "";
    switch (action) {
      case "create": {
        const created = await client.createAccessKey(flags.description ?? "");
        printResult(context, flags.json, created, () =>
          [
            `access key id:     ${created.accessKeyId}`,
            `access key secret: ${created.accessKeySecret}`,
            "The secret is not shown again.",
          ].join("\n"),
        );
        return undefined;
      }
      case "list": {
        const keys = await client.accessKeys();
        printResult(context, flags.json, { keys }, () =>
          formatTable(
            ["KEY", "STATUS", "CREATED", "DESCRIPTION"],
            keys.map((each) => [each.accessKeyId, each.status, dateOf(each.createdAt), each.description]),
          ),
        );
        return undefined;
      }
      case "disable": {
        const disabled = await client.disableAccessKey(accessKeyId);
        printResult(
          context,
          flags.json,
          disabled,
          () => `Disabled ${accessKeyId}: nothing signed with it is taken any more`,
        );
        return undefined;
      }
      default:
        await client.deleteAccessKey(accessKeyId);
        printResult(context, flags.json, { deleted: accessKeyId }, () => `Deleted ${accessKeyId}`);
        return undefined;
    }
  },
});

function checkUsage(action: string, key: string | undefined, { description }: KeysFlags): void {
  if (!ACTIONS.includes(action)) throw new UsageError(`expected create, list, disable or delete, got "${action}"`);
  const takesKey = action === "disable" || action === "delete";
  if (takesKey && key === undefined) throw new UsageError(`expected the id of the key to ${action}`);
  if (!takesKey && key !== undefined) throw new UsageError(`${action} takes no key, got "${key}"`);
  if (action !== "create" && description !== undefined) throw new UsageError("--description is for create alone");
}

function dateOf(at: number | undefined): string {
  return at === undefined ? "" : new Date(at).toISOString().slice(0, 16).replace("T", " ");
}
