import { CliError, UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { type Context, note, printResult } from "../context.ts";
import { dataOption, jsonOption, templateOption, yesOption } from "../options.ts";
import type { Platform } from "../platform.ts";
import type { FunctionName, Removed } from "../remove.ts";

/** Kinds that are called otherwise. */
const WORDS: Readonly<Partial<Record<Removed["kind"], string>>> = {
  customDomain: "custom domain",
  provisionConfig: "the provisioned instances of",
};

interface RemoveFlags {
  data?: string;
  json?: boolean;
  template?: string;
  assumeYes?: boolean;
}

export const removeCommand = command<RemoveFlags>({
  name: "remove",
  summary: "remove the functions of an s.yaml, or a whole service",
  arguments: ["[service]"],
  options: [templateOption, yesOption, dataOption, jsonOption],
  details:
    "SERVICE is a key below services in s.yaml; where there is no s.yaml, the name of a service, which goes with all\n" +
    "its functions. Custom domains lose their routes to removed functions.",
  async run(context, [service], flags) {
    const { findPlatform } = await import("../platform.ts");
    const { removeEmptyService, removeFunctions } = await import("../remove.ts");
    const { defaultTemplate } = await import("../s-yaml/template.ts");

    const template = flags.template ?? defaultTemplate(context.cwd);
    if (template === undefined && service === undefined) {
      throw new UsageError("expected the name of a service, or an s.yaml here or with -t FILE");
    }
    const platform = findPlatform(context, flags.data);
    const functions =
      template === undefined
        ? await functionsOfService(platform, service ?? "")
        : await functionsOfTemplate(context, platform, template, service);
    if (!flags.assumeYes) await confirmRemoval(context, functions, service);

    const removed: Removed[] = [];
    const tell = (each: Removed): void => {
      removed.push(each);
      note(context, `Removed ${WORDS[each.kind] ?? each.kind} ${each.name}`);
    };
    await removeFunctions(platform.client, functions, tell);
    if (template === undefined) await removeEmptyService(platform.client, service ?? "", tell);
    printResult(context, flags.json, { removed }, () => (removed.length === 0 ? "Nothing was there to remove" : ""));
    return undefined;
  },
});

async function functionsOfService({ client }: Platform, serviceName: string): Promise<FunctionName[]> {
  if ((await client.services().find(serviceName)) === undefined) {
    const names = (await client.services().list()).map((service) => service.serviceName).join(", ");
    throw new CliError(`there is no service ${serviceName}: ${names || "none is deployed"}`);
  }
  const functions = await client.functions(serviceName).list();
  return functions.map(({ functionName }) => ({ serviceName, functionName }));
}

async function functionsOfTemplate(
  context: Context,
  platform: Platform,
  file: string,
  serviceId: string | undefined,
): Promise<FunctionName[]> {
  const { readTemplate } = await import("../s-yaml/template.ts");
  const { planTemplate } = await import("../deploy/plan.ts");
  const { configValues } = await import("../deploy/config-values.ts");
  const template = readTemplate(file, context.cwd, context.env);
  const plans = planTemplate(template, { serviceId, config: configValues(platform), note: () => {} });
  return plans.map((plan) => ({ serviceName: plan.service.name, functionName: plan.function.name }));
}

async function confirmRemoval(
  context: Context,
  functions: readonly FunctionName[],
  service: string | undefined,
): Promise<void> {
  const { confirm } = await import("../confirm.ts");
  const names = functions.map((each) => `${each.serviceName}/${each.functionName}`).join(", ") || service;
  const would = `this would remove ${names}`;
  await confirm(context, { would, question: `Remove ${names}?`, declined: "nothing was removed" });
}
