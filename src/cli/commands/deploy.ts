import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption, templateOption, yesOption } from "../options.ts";

interface DeployFlags {
  data?: string;
  json?: boolean;
  template?: string;
}

export const deployCommand = command<DeployFlags>({
  name: "deploy",
  summary: "deploy the functions of an s.yaml and wait until they answer",
  arguments: ["[service]"],
  options: [templateOption, { ...yesOption, description: "accepted: a deployment never asks" }, dataOption, jsonOption],
  details: "SERVICE is a key below services in s.yaml; without it all are deployed.",
  async run(context, [serviceId], flags) {
    const { relative } = await import("node:path");
    const { readTemplate } = await import("../s-yaml/template.ts");
    const { deployTemplate } = await import("../deploy/deploy.ts");
    const { findPlatform } = await import("../platform.ts");
    const { describeCalls } = await import("../reachability.ts");

    const template = readTemplate(flags.template, context.cwd, context.env);
    const platform = findPlatform(context, flags.data);
    const functions = await deployTemplate(template, serviceId, platform, context);
    const exampleDir = relative(context.cwd, template.folder) || ".";
    const lines = await Promise.all(functions.map((info) => describeCalls(info, platform, exampleDir)));
    printResult(context, flags.json, { functions }, () => lines.flat().join("\n"));
    return undefined;
  },
});
