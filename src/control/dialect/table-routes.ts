/** Routes of the operations that Sluice has no part for: the table says what they answer. */
import type { Hono } from "hono";
import { ApiError } from "../api-error.ts";
import { noContent } from "../http/answers.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import type { EmptyOperation, Operation, RefusedOperation } from "../operations/operations.ts";
import type { Resources } from "../resources/resources.ts";
import { qualifiedName } from "./parameters.ts";

/** Adds every operation of the table that is `empty` or `refused`. */
export function addTableRoutes(app: Hono<ApiEnv>, operations: readonly Operation[], resources: Resources): void {
  for (const operation of operations) {
    if (operation.verdict === "complete") continue;
    app.on(operation.method, routePath(operation.path), async (c) => {
      if (operation.verdict === "refused") return refuse(operation);
      await checkParent(c, operation, resources);
      return answerEmpty(c, operation);
    });
  }
}

/** Throws what the row says. */
export function refuse({ name, code, sentence }: RefusedOperation): never {
  throw new ApiError(code, `${name}: ${sentence}`);
}

/** Of what is not there, nothing can be empty. */
async function checkParent(c: ApiContext, { path }: EmptyOperation, { services, functions }: Resources): Promise<void> {
  if (!path.includes("{serviceName}")) return;
  const { serviceName, functionName, qualifier } = qualifiedName(c);
  if (path.includes("{functionName}")) await functions.get(serviceName, functionName, qualifier);
  else await services.get(serviceName, qualifier);
}

function answerEmpty(c: ApiContext, { answer }: EmptyOperation): Response {
  switch (answer.kind) {
    case "body":
      return c.json(answer.body);
    case "none":
      return noContent(c);
    case "missing": {
      const what = answer.what.replace(/\{(\w+)\}/g, (_all, name: string) => c.req.param(name) ?? "");
      throw new ApiError(answer.code, `${what} does not exist`);
    }
    default:
      throw new Error(`Unknown answer ${JSON.stringify(answer satisfies never)}`);
  }
}

/** `{name}` as the router writes it. */
function routePath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}
