import { OPERATIONS } from "../operations/operations.ts";

/** Sluice's own endpoints that are written down; those of Function Compute have their table. */
const OWN: readonly (readonly [name: string, method: string, path: string])[] = [
  ["RollBack", "POST", "/sluice/v1/services/{serviceName}/rollback"],
  ["UploadCodePackage", "PUT", "/sluice/v1/code-packages/{packageId}"],
  ["CreateAccessKey", "POST", "/sluice/v1/keys"],
  ["DisableAccessKey", "POST", "/sluice/v1/keys/{accessKeyId}/disable"],
  // It only reads, but every secret there is.
  ["Backup", "GET", "/sluice/v1/backup"],
  ["Restore", "POST", "/sluice/v1/restore"],
  ["DeleteAccessKey", "DELETE", "/sluice/v1/keys/{accessKeyId}"],
];

const named = [
  ...Object.entries(OPERATIONS).flatMap(([version, operations]) =>
    operations.map(({ name, method, path }) => ({ name, method, pattern: patternOf(`/${version}${path}`) })),
  ),
  ...OWN.map(([name, method, path]) => ({ name, method, pattern: patternOf(path) })),
];

/** What a request asks for, as Function Compute names it; the method where it has no name. */
export function operationName(method: string, path: string): string {
  return named.find((each) => each.method === method && each.pattern.test(path))?.name ?? method;
}

/** Whether a request is more than a read, or reads what it must be known of. Calls have their functions' logs. */
export function isAudited(method: string, path: string): boolean {
  const name = operationName(method, path);
  if (name === "InvokeFunction") return false;
  return (method !== "GET" && method !== "HEAD") || name === "Backup";
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
}
