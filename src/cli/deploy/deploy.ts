/**
 * Deploying an s.yaml. Everything is checked before anything is sent: the whole file, then, after the pre-deploy
 * hooks of all services (they build the code), every package and certificate. Only then services are created or
 * updated, one after the other, each with its post-deploy hooks.
 */
import type { FunctionInfo } from "../../client/client.ts";
import { type Context, note } from "../context.ts";
import type { Platform } from "../platform.ts";
import type { Template } from "../s-yaml/template.ts";
import { runActions } from "./actions.ts";
import { applyBundle } from "./apply.ts";
import { bundleOf } from "./bundle.ts";
import { packCode } from "./code-package.ts";
import { configValues } from "./config-values.ts";
import type { PackedCode } from "./packed-code.ts";
import { type PlanOptions, planService, planTemplate, type ServicePlan } from "./plan.ts";
import { checkAgainstPlatform } from "./preflight.ts";
import { tellingPull } from "./pull-progress.ts";
import { codeDocument } from "./send-code.ts";
import { waitForRevision } from "./wait.ts";

/** Deploys the template, or the one service of it; gives how its functions stand, in the order of deployment. */
export async function deployTemplate(
  template: Template,
  serviceId: string | undefined,
  platform: Platform,
  context: Context,
): Promise<FunctionInfo[]> {
  const tell = (line: string) => note(context, line);
  const options: PlanOptions = { serviceId, config: configValues(platform), note: tell };
  const plans = planTemplate(template, options);
  tellRegions(plans, template, platform, tell);
  await checkAgainstPlatform(plans, platform.client);

  for (const plan of plans) await runActions(plan.preDeploy, template, context);
  const machine = platform.isLocal ? { platform: process.platform, cpu: process.arch } : undefined;
  await using opened = new AsyncDisposableStack();
  const packages = new Map<string, PackedCode | undefined>();
  for (const plan of plans) {
    const isImage = plan.function.customContainerConfig !== undefined;
    const packed = isImage ? undefined : opened.use(await packCode(plan, template, machine));
    bundleOf(plan, template, undefined);
    packages.set(plan.id, packed);
  }

  const outputs = new Map<string, unknown>();
  const infos: FunctionInfo[] = [];
  for (const [id, packed] of packages) {
    // Planned again, since it may name outputs of services that are deployed by now; its notes have been told.
    const plan = planService(template, id, outputs, { ...options, note: () => {} });
    const names = { serviceName: plan.service.name, functionName: plan.function.name };
    const shown = `${names.serviceName}/${names.functionName}`;
    const code = packed && (await codeDocument(packed, shown, platform.client, context));
    const bundle = bundleOf(plan, template, code);
    const apply = () => applyBundle(bundle, platform.client, tell);
    const domainNames = await tellingPull(platform.client, context.clock, names, tell, apply);
    const info = await waitForRevision(platform.client, context.clock, plan.service.name, plan.function.name);
    outputs.set(id, outputOf(plan, info, domainNames, platform));
    infos.push(info);
    await runActions(plan.postDeploy, template, context);
  }
  return infos;
}

function tellRegions(
  plans: readonly ServicePlan[],
  template: Template,
  platform: Platform,
  tell: (line: string) => void,
): void {
  const region = plans.map((plan) => plan.region).find((name) => name !== undefined && name !== platform.region);
  if (region === undefined || platform.region === undefined) return;
  tell(`${template.file}: region: ${region} is taken as it stands, this platform's region is ${platform.region}`);
}

/** What `${service.output...}` gives, in the shape of Serverless Devs' `fc` component. */
function outputOf(plan: ServicePlan, info: FunctionInfo, domainNames: readonly string[], platform: Platform): unknown {
  return {
    region: platform.region ?? plan.region ?? "",
    service: { name: plan.service.name },
    function: { name: plan.function.name, runtime: plan.function.runtime },
    url: {
      system_url: info.urlInternet ?? "",
      custom_domain: domainNames.map((domain) => ({ domain })),
    },
    triggers: plan.triggers.map(({ name, type }) => ({ name, type })),
  };
}
