import type { CustomDomain, FunctionInfo, FunctionResource, FunctionsAnswer, Trigger } from "../../model/model.ts";
import { functionKey, LATEST } from "../../model/model.ts";
import { DataPlaneReader, triggerFor } from "../data-plane/data-plane-reader.ts";
import { functionEntry, type QualifiedFunction } from "../data-plane/projection.ts";
import { AllResources, type Reads } from "../resources/resources.ts";
import { functionInfo, leadsTo } from "./function-info.ts";
import type { SluiceContext } from "./sluice-v1.ts";

/**
 * Every function in the order of its key, each first as it stands, then under the qualifiers that something leads to or has
 * provisioned instances.
 */
export async function readFunctions(context: SluiceContext): Promise<FunctionsAnswer> {
  return answerOf(context, await AllResources.read(context.repository), "");
}

/** The same of one function; empty where it is not there. Costs the same among however many. */
export function readFunction(
  context: SluiceContext,
  serviceName: string,
  functionName: string,
): Promise<FunctionsAnswer> {
  return answerOf(context, context.repository, `${serviceName}/${functionName}`);
}

/** `only`: key of the one function that is meant; empty: all. */
async function answerOf(context: SluiceContext, reads: Reads, only: string): Promise<FunctionsAnswer> {
  const domains = (await reads.list("customDomain")).map(({ value }) => value);
  const prefix = only === "" ? "" : `${only}/`;
  const triggers = Map.groupBy(
    (await reads.list("trigger", { prefix })).map(({ value }) => value),
    (trigger) => functionKey(trigger.serviceName, trigger.functionName),
  );
  const one = only === "" ? undefined : await reads.get("function", only);
  const meant = only === "" ? await reads.list("function") : one === undefined ? [] : [one];
  const reader = new DataPlaneReader(reads, context.projection);
  const functions: FunctionInfo[] = [];
  for (const { value: resource } of meant) {
    const own = triggers.get(functionKey(resource.serviceName, resource.functionName)) ?? [];
    const provisioned = await reader.provisionedQualifiers(resource.serviceName, resource.functionName);
    for (const qualifier of [LATEST, ...otherQualifiers(resource, own, domains, provisioned)]) {
      const qualified = await reader.qualified(resource.serviceName, resource.functionName, qualifier);
      if (qualified !== undefined) functions.push(infoOf(qualified, own, domains, context));
    }
  }
  return { functions };
}

function infoOf(
  qualified: QualifiedFunction,
  triggers: readonly Trigger[],
  domains: readonly CustomDomain[],
  { projection, board, endpoint, resources }: SluiceContext,
): FunctionInfo {
  const { qualifier, main } = qualified;
  const entry = functionEntry(qualified, projection);
  return functionInfo({
    qualified,
    entry,
    trigger: triggers.find((each) => each.qualifier === qualifier),
    rule: triggerFor(triggers, qualifier),
    domains: domains
      .filter((domain) => leadsTo(domain, main.resource, qualifier))
      .map((domain) => resources.customDomains.info(domain)),
    status: board.of(entry.function),
    endpoint,
  });
}

/** Sorted. */
function otherQualifiers(
  resource: FunctionResource,
  triggers: readonly Trigger[],
  domains: readonly CustomDomain[],
  provisioned: readonly string[],
): string[] {
  const qualifiers = new Set([...triggers.map((trigger) => trigger.qualifier), ...provisioned]);
  for (const { routes } of domains) {
    for (const { serviceName, functionName, qualifier } of routes) {
      if (serviceName !== resource.serviceName || functionName !== resource.functionName) continue;
      if (triggerFor(triggers, qualifier) !== undefined) qualifiers.add(qualifier);
    }
  }
  qualifiers.delete(LATEST);
  return [...qualifiers].sort();
}
