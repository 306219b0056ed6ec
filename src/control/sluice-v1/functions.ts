import type { CustomDomain, FunctionInfo, FunctionResource, FunctionsAnswer, Trigger } from "../../model/model.ts";
import { functionKey, LATEST } from "../../model/model.ts";
import { DataPlaneReader, triggerFor } from "../data-plane/data-plane-reader.ts";
import { functionEntry, type QualifiedFunction } from "../data-plane/projection.ts";
import { functionInfo, leadsTo } from "./function-info.ts";
import type { SluiceContext } from "./sluice-v1.ts";

/** Every function in the order of its key, each first as it stands, then under the qualifiers that something leads to or has provisioned instances. */
export async function readFunctions(context: SluiceContext): Promise<FunctionsAnswer> {
  const { repository } = context;
  const domains = (await repository.list("customDomain")).map(({ value }) => value);
  const triggers = new Map<string, Trigger[]>();
  for (const { value } of await repository.list("trigger")) {
    const key = functionKey(value.serviceName, value.functionName);
    triggers.set(key, [...(triggers.get(key) ?? []), value]);
  }
  const reader = new DataPlaneReader(repository, context.projection);
  const functions: FunctionInfo[] = [];
  for (const { value: resource } of await repository.list("function")) {
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
