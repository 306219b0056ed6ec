/** Removing what was deployed: triggers, functions, the custom domains that lead to them, and services left empty. */
import type { Client } from "../client/client.ts";
import { isNotFound } from "../client/client.ts";
import { functionKey } from "../model/model.ts";

export interface FunctionName {
  readonly serviceName: string;
  readonly functionName: string;
}

/** One removed thing, as it is told and printed. */
export interface Removed {
  readonly kind: "customDomain" | "provisionConfig" | "trigger" | "function" | "alias" | "version" | "service";
  readonly name: string;
}

/** Removes functions with their triggers, routes, provisioned instances and emptied services. What is not there is passed over. */
export async function removeFunctions(
  client: Client,
  functions: readonly FunctionName[],
  tell: (removed: Removed) => void,
): Promise<void> {
  await removeDomains(client, functions, tell);
  for (const { serviceName, functionName } of functions) {
    const triggers = client.triggers(serviceName, functionName);
    for (const { triggerName } of await listOrNone(() => triggers.list())) {
      if (await gone(() => triggers.delete(triggerName))) tell({ kind: "trigger", name: triggerName });
    }
    await releaseInstances(client, serviceName, functionName, tell);
    if (await gone(() => client.functions(serviceName).delete(functionName))) {
      tell({ kind: "function", name: `${serviceName}/${functionName}` });
    }
  }
  for (const serviceName of new Set(functions.map((each) => each.serviceName))) {
    await removeEmptyService(client, serviceName, tell);
  }
}

/** Removes a service that has no functions, with its aliases and versions; another one stays. */
export async function removeEmptyService(
  client: Client,
  serviceName: string,
  tell: (removed: Removed) => void,
): Promise<void> {
  if ((await listOrNone(() => client.functions(serviceName).list())).length > 0) return;
  const aliases = client.aliases(serviceName);
  for (const { aliasName } of await listOrNone(() => aliases.list())) {
    if (await gone(() => aliases.delete(aliasName))) tell({ kind: "alias", name: `${serviceName}.${aliasName}` });
  }
  const versions = client.versions(serviceName);
  for (const { versionId } of await listOrNone(() => versions.list())) {
    if (await gone(() => versions.delete(versionId))) tell({ kind: "version", name: `${serviceName}.${versionId}` });
  }
  if (await gone(() => client.services().delete(serviceName))) tell({ kind: "service", name: serviceName });
}

/** A domain loses the routes to these functions, and goes with its last one. */
async function removeDomains(
  client: Client,
  functions: readonly FunctionName[],
  tell: (removed: Removed) => void,
): Promise<void> {
  const names = new Set(functions.map((each) => `${each.serviceName}/${each.functionName}`));
  const domains = client.customDomains();
  for (const { domainName, routeConfig } of await domains.list()) {
    const routes = routeConfig?.routes ?? [];
    const left = routes.filter((route) => !names.has(`${route.serviceName}/${route.functionName}`));
    if (left.length === routes.length) continue;
    if (left.length > 0) await domains.update(domainName, { routeConfig: { routes: left } });
    else if (await gone(() => domains.delete(domainName))) tell({ kind: "customDomain", name: domainName });
  }
}

/** A function with provisioned instances is not deleted. */
async function releaseInstances(
  client: Client,
  serviceName: string,
  functionName: string,
  tell: (removed: Removed) => void,
): Promise<void> {
  for (const { resource } of await client.provisionConfigs(serviceName).list()) {
    const [, , qualifier = "", name] = resource.split("#");
    if (name !== functionName) continue;
    await client.releaseProvision(serviceName, functionName, qualifier);
    tell({ kind: "provisionConfig", name: functionKey(serviceName, functionName, qualifier) });
  }
}

/** Whether the deletion found something to delete. */
async function gone(deletion: () => Promise<void>): Promise<boolean> {
  try {
    await deletion();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function listOrNone<T>(list: () => Promise<T[]>): Promise<T[]> {
  try {
    return await list();
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
