import type { RollbackAnswer } from "../../client/client.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";

export const rollbackCommand = command<{ data?: string; json?: boolean; alias?: string; to?: string }>({
  name: "rollback",
  summary: "go back to the version before, with an alias or with the service itself",
  arguments: ["<service>"],
  options: [
    { flags: "--alias <name>", description: "the alias to point back (default: the service itself, LATEST)" },
    { flags: "--to <version>", description: "the version to go to (default: the one before)" },
    dataOption,
    jsonOption,
  ],
  details:
    "With --alias: ends a split of its calls where there is one; else points it at the version that it had before.\n" +
    "Without: deploys again what the newest published version held that is not what stands now, and waits until it\n" +
    "answers. Functions that the version does not have stay as they are.",
  async run(context, [service = ""], flags) {
    const { findPlatform } = await import("../platform.ts");
    const { waitForRevision } = await import("../deploy/wait.ts");
    const { client } = findPlatform(context, flags.data);
    const answer = await client.rollBack(service, {
      ...(flags.alias !== undefined && { aliasName: flags.alias }),
      ...(flags.to !== undefined && { versionId: flags.to }),
    });
    const changed = answer.kind === "latest" ? [...answer.changed, ...answer.restored] : [];
    for (const name of changed) await waitForRevision(client, context.clock, service, name);
    printResult(context, flags.json, answer, () => describe(service, answer));
    return undefined;
  },
});

function describe(service: string, answer: RollbackAnswer): string {
  if (answer.kind === "latest") {
    const { versionId, changed, restored, kept } = answer;
    const parts = [
      changed.length > 0 ? `changed ${changed.join(", ")}` : "",
      restored.length > 0 ? `brought back ${restored.join(", ")}, without triggers` : "",
      kept.length > 0 ? `kept ${kept.join(", ")}, which that version does not have` : "",
    ].filter((part) => part !== "");
    return `${service} is as in version ${versionId} again: ${parts.join("; ") || "only its settings changed"}`;
  }
  const { aliasName, versionId, before } = answer;
  const shares = Object.keys(before.additionalVersionWeight);
  const was =
    before.versionId === versionId
      ? `it shared them with version ${shares.join(", ")}`
      : `before: version ${before.versionId}`;
  return `${service}.${aliasName} leads all calls to version ${versionId} (${was})`;
}
