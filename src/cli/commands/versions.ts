import { UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";
import { formatTable } from "../table.ts";

export const versionsCommand = command<{ data?: string; json?: boolean; description?: string }>({
  name: "versions",
  summary: "publish, list or delete versions: immutable copies of a service",
  arguments: ["<action>", "<service>", "[version]"],
  options: [
    { flags: "--description <text>", description: "with publish: what the version is (default: nothing)" },
    dataOption,
    jsonOption,
  ],
  details:
    "ACTION is publish, list or delete. A version keeps settings and code of all functions of the service, until it is\n" +
    "deleted; what an alias, a trigger or a route needs is not deleted.",
  async run(context, [action, service = "", version], flags) {
    const { findPlatform } = await import("../platform.ts");
    if ((version === undefined) === (action === "delete")) {
      throw new UsageError(version === undefined ? "expected the version to delete" : `${action} takes no version`);
    }
    const { client } = findPlatform(context, flags.data);
    switch (action) {
      case "publish": {
        const published = await client.publishVersion(service, flags.description ?? "");
        printResult(context, flags.json, published, () => `Published version ${published.versionId} of ${service}`);
        return undefined;
      }
      case "list": {
        const versions = await client.versions(service).list();
        printResult(context, flags.json, { versions }, () =>
          formatTable(
            ["VERSION", "CREATED", "DESCRIPTION"],
            versions.map((each) => [each.versionId, each.createdTime ?? "", each.description ?? ""]),
          ),
        );
        return undefined;
      }
      case "delete":
        await client.versions(service).delete(version ?? "");
        printResult(context, flags.json, { deleted: version }, () => `Deleted version ${version} of ${service}`);
        return undefined;
      default:
        throw new UsageError(`expected publish, list or delete, got "${action}"`);
    }
  },
});
