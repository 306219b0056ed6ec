/** What requests of this dialect say in their paths and queries. */
import { LATEST } from "../../model/model.ts";
import type { ApiContext } from "../http/env.ts";
import type { QualifiedName } from "../resources/resources.ts";

export function param(c: ApiContext, name: string): string {
  return c.req.param(name) ?? "";
}

export function functionParams(c: ApiContext): [serviceName: string, functionName: string] {
  return [param(c, "serviceName"), param(c, "functionName")];
}

/** LATEST where the query has none. */
export function qualifierOf(c: ApiContext): string {
  return c.req.query("qualifier") || LATEST;
}

/** A function in the path, under the qualifier in the query. */
export function qualifiedName(c: ApiContext): QualifiedName {
  const [serviceName, functionName] = functionParams(c);
  return { serviceName, functionName, qualifier: qualifierOf(c) };
}
