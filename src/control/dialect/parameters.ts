/**
 * What requests say in their paths and queries. A service's qualifier stands in the query (API 2021-04-06) or behind a dot
 * in the service's name (API 2016-08-15: `services/S.prod`); both are read in both, since no name has a dot.
 */
import { LATEST } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { ApiContext } from "../http/env.ts";
import type { QualifiedName } from "../resources/resources.ts";

export function param(c: ApiContext, name: string): string {
  return c.req.param(name) ?? "";
}

/** The service in the path. Throws InvalidArgument under another qualifier than LATEST: only LATEST can be changed. */
export function serviceParam(c: ApiContext): string {
  const { serviceName, qualifier } = pathService(c);
  if (qualifier === undefined || qualifier === LATEST) return serviceName;
  return invalid(
    `services/${serviceName}.${qualifier}: expected the service without a qualifier, since this operation knows only LATEST`,
  );
}

/** The service in the path, and the qualifier in path or query: LATEST where neither has one. */
export function qualifiedService(c: ApiContext): [serviceName: string, qualifier: string] {
  const { serviceName, qualifier: inPath } = pathService(c);
  const inQuery = c.req.query("qualifier");
  if (inPath && inQuery && inPath !== inQuery) {
    invalid(`qualifier: expected that of the path, ${inPath}, or none, got ${JSON.stringify(inQuery)}`);
  }
  return [serviceName, inPath || inQuery || LATEST];
}

export function functionParams(c: ApiContext): [serviceName: string, functionName: string] {
  return [serviceParam(c), param(c, "functionName")];
}

/** A function in the path, under the qualifier in path or query. */
export function qualifiedName(c: ApiContext): QualifiedName {
  const [serviceName, qualifier] = qualifiedService(c);
  return { serviceName, functionName: param(c, "functionName"), qualifier };
}

function pathService(c: ApiContext): { serviceName: string; qualifier: string | undefined } {
  const [serviceName = "", ...rest] = param(c, "serviceName").split(".");
  return { serviceName, qualifier: rest.length === 0 ? undefined : rest.join(".") };
}
