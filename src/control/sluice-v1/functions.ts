import type { FunctionsAnswer, Trigger } from "../../model/model.ts";
import { functionKey } from "../../model/model.ts";
import { revisionOf } from "../projection.ts";
import { functionInfo, leadsTo } from "./function-info.ts";
import type { SluiceContext } from "./sluice-v1.ts";

/** Every function in the order of its key. */
export async function readFunctions({
  repository,
  projection,
  board,
  endpoint,
}: SluiceContext): Promise<FunctionsAnswer> {
  const services = new Map((await repository.list("service")).map(({ key, value }) => [key, value]));
  const domains = (await repository.list("customDomain")).map(({ value }) => value);
  const triggers = new Map<string, Trigger>();
  for (const { value } of await repository.list("trigger")) {
    triggers.set(functionKey(value.serviceName, value.functionName), value);
  }
  const functions = (await repository.list("function")).flatMap(({ value: resource }) => {
    const service = services.get(resource.serviceName);
    if (service === undefined) return [];
    const key = functionKey(resource.serviceName, resource.functionName);
    const info = functionInfo({
      resource,
      revisionId: revisionOf(service, resource, projection).id,
      trigger: triggers.get(key),
      domains: domains.filter((domain) => leadsTo(domain, resource)),
      status: board.of(key),
      endpoint,
    });
    return [info];
  });
  return { functions };
}
