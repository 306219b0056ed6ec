import type { FunctionInfo } from "../client/client.ts";
import { functionKey } from "../model/model.ts";
import { CliError } from "./cli-error.ts";

/** SERVICE/FUNCTION, or SERVICE.QUALIFIER/FUNCTION of what runs under a version or an alias. */
export function nameOf(info: FunctionInfo): string {
  return functionKey(info.serviceName, info.functionName, info.qualifier);
}

/**
 * Those of `infos` that an argument means: all without one, those of a SERVICE, a SERVICE/FUNCTION under every qualifier,
 * or one SERVICE.QUALIFIER/FUNCTION. Throws a CliError where there is none.
 */
export function functionsMeant(infos: readonly FunctionInfo[], name: string | undefined): FunctionInfo[] {
  const meant = infos.filter(
    (info) =>
      name === undefined ||
      [info.serviceName, functionKey(info.serviceName, info.functionName), nameOf(info)].includes(name),
  );
  if (name !== undefined && meant.length === 0) throw noFunction(infos, name);
  return meant;
}

/** There is no function `name` among `infos`. */
export function noFunction(infos: readonly FunctionInfo[], name: string): CliError {
  return new CliError(`there is no function ${name}: ${infos.map(nameOf).join(", ") || "none is deployed"}`);
}
