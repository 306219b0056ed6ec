import { randomId } from "../base/base.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Identifies what an instance is started from: a hash over one function's code and configuration. */
export type RevisionId = Branded<"RevisionId">;
/** Identifies one instance; unique over restarts. */
export type InstanceId = Branded<"InstanceId">;
/**
 * `<service>/<function>` of the one account, or `<service>.<qualifier>/<function>` where it is reached under a version
 * or an alias: names what is run, in routes, logs and bills. No name contains a dot.
 */
export type FunctionKey = Branded<"FunctionKey">;

/** The qualifier of what was deployed last. */
export const LATEST = "LATEST";

export function functionKey(serviceName: string, functionName: string, qualifier: string = LATEST): FunctionKey {
  return `${qualifiedName(serviceName, qualifier)}/${functionName}` as FunctionKey;
}

/** A service's name as it is written with a qualifier. */
export function qualifiedName(serviceName: string, qualifier: string): string {
  return qualifier === LATEST ? serviceName : `${serviceName}.${qualifier}`;
}

/** `c-` and 24 hexadecimal digits, in the shape of Function Compute's instance ids. */
export function newInstanceId(): InstanceId {
  return `c-${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}` as InstanceId;
}

/** A request id: a UUID (Function Compute's `x-fc-request-id`). */
export function newRequestId(): string {
  return randomId();
}
