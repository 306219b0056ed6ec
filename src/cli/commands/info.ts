import type { DomainInfo, FunctionInfo } from "../../client/client.ts";
import { type FunctionKey, functionKey, LATEST } from "../../model/model.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { functionsMeant } from "../functions-meant.ts";
import { dataOption, jsonOption, templateOption } from "../options.ts";

interface InfoFlags {
  data?: string;
  json?: boolean;
  template?: string;
}

const CERTIFICATE_SOURCES: Readonly<Record<NonNullable<DomainInfo["certificateSource"]>, string>> = {
  own: "given",
  acme: "by ACME",
  local: "of the local CA of custom domains",
  default: "Sluice's own",
};

export const infoCommand = command<InfoFlags>({
  name: "info",
  summary: "show functions, their instances, and how to call them from here",
  arguments: ["[function]"],
  options: [{ ...templateOption, description: "only the functions of this s.yaml" }, dataOption, jsonOption],
  details:
    "FUNCTION is SERVICE/FUNCTION, or SERVICE for all functions of a service; without it all are shown. What runs under a\n" +
    "version or an alias is shown as SERVICE.QUALIFIER/FUNCTION, where a trigger or a route leads there.",
  async run(context, [name], flags) {
    const { findPlatform } = await import("../platform.ts");
    const { describeCalls } = await import("../reachability.ts");

    const platform = findPlatform(context, flags.data);
    const all = await platform.client.functionInfos();
    const ofTemplate = flags.template === undefined ? undefined : await namesIn(flags.template);
    const functions = functionsMeant(
      all.filter((info) => ofTemplate?.has(functionKey(info.serviceName, info.functionName)) ?? true),
      name,
    );
    const calls = flags.json ? [] : await Promise.all(functions.map((info) => describeCalls(info, platform)));
    printResult(context, flags.json, { functions }, () => {
      if (functions.length === 0)
        return `No functions yet: deploy one with '${platform.sluiceCommand} deploy -t s.yaml'`;
      return functions.map((info, index) => [...(calls[index] ?? []), ...stateLines(info)].join("\n")).join("\n\n");
    });
    return undefined;

    async function namesIn(file: string): Promise<Set<FunctionKey>> {
      const { readTemplate } = await import("../s-yaml/template.ts");
      const { planTemplate } = await import("../deploy/plan.ts");
      const { configValues } = await import("../deploy/config-values.ts");
      const template = readTemplate(file, context.cwd, context.env);
      const plans = planTemplate(template, { config: configValues(platform), note: () => {} });
      return new Set(plans.map((plan) => functionKey(plan.service.name, plan.function.name)));
    }
  },
});

/** How the function stands: its runtime and instances. */
function stateLines(info: FunctionInfo): string[] {
  const phases = new Map<string, number>();
  for (const { phase } of info.instances) phases.set(phase, (phases.get(phase) ?? 0) + 1);
  const counts = [...phases].map(([phase, count]) => `${count} ${phase}`).join(", ") || "none";
  const openCalls = info.instances.reduce((sum, instance) => sum + instance.openCalls, 0);
  const { provision, restarts } = info;
  const provisioned = provision && `, provisioned: ${provision.current} of ${provision.target}`;
  const limit = info.maximumInstanceCount === undefined ? "" : ` (at most ${info.maximumInstanceCount})`;
  const trouble = provision?.currentError && ` (${provision.currentError})`;
  const more = `${provisioned ?? ""}${trouble ?? ""}${restarts ? `, restarts: ${restarts}` : ""}`;
  return [
    `  ${versionsOf(info)}runtime ${info.runtime}, instances: ${counts}${limit}, open calls: ${openCalls}${more}`,
    ...info.domains.flatMap(domainLines),
    ...(info.image ? [`  image ${info.image.reference} (${shortId(info.image.id)})`] : []),
  ];
}

/** A custom domain: where its certificate is from and to when it is valid, and what is not well. */
function domainLines({ domainName, certificateSource, validToAt, warnings }: DomainInfo): string[] {
  const source = certificateSource === undefined ? "" : `, certificate: ${CERTIFICATE_SOURCES[certificateSource]}`;
  const until = validToAt === undefined ? "" : ` to ${new Date(validToAt).toISOString().slice(0, 10)}`;
  return [`  domain ${domainName}${source}${until}`, ...warnings.map((warning) => `    warning: ${warning}`)];
}

/** As `docker images` shows it: the first 12 digits. */
function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

/** Which versions it runs, with their shares of the calls; nothing for the service as it stands. */
function versionsOf({ qualifier, versionId, additionalVersions = [] }: FunctionInfo): string {
  if (qualifier === LATEST) return "";
  const main = versionId === undefined ? LATEST : `version ${versionId}`;
  const others = additionalVersions.map(
    (each) => `, ${Math.round(each.weight * 10_000) / 100} % version ${each.versionId}`,
  );
  return `${main}${others.join("")}, `;
}
