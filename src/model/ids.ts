import { randomId } from "../base/base.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Identifies what an instance is started from: a hash over one function's code and configuration. */
export type RevisionId = Branded<"RevisionId">;
/** Identifies one instance; unique over restarts. */
export type InstanceId = Branded<"InstanceId">;
/** `<service>/<function>` of the one account: names a function in routes, logs and bills. */
export type FunctionKey = Branded<"FunctionKey">;

export function functionKey(serviceName: string, functionName: string): FunctionKey {
  return `${serviceName}/${functionName}` as FunctionKey;
}

/** `c-` and 24 hexadecimal digits, in the shape of Function Compute's instance ids. */
export function newInstanceId(): InstanceId {
  return `c-${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}` as InstanceId;
}

/** A request id: a UUID (Function Compute's `x-fc-request-id`). */
export function newRequestId(): string {
  return randomId();
}
