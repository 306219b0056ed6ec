import type { Hono } from "hono";
import { functionKey, type InstanceStatus } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { ApiEnv } from "../http/env.ts";
import type { DialectContext } from "./dialect.ts";
import { qualifiedName } from "./parameters.ts";

/** Function Compute: 0 to 1000; 0 is none, as an absent one. */
const LIMIT_MAX = 1000;
/** Version that instances of LATEST are shown with. */
const LATEST_VERSION_ID = "0";

/** ListInstances: instances of a function under a qualifier that serve calls or can be given some. */
export function addInstances(app: Hono<ApiEnv>, { resources, board }: DialectContext): void {
  app.get("/services/:serviceName/functions/:functionName/instances", async (c) => {
    const { serviceName, functionName, qualifier } = qualifiedName(c);
    const { limit, startKey, ids } = instanceQuery(c.req.query());
    await resources.functions.get(serviceName, functionName, qualifier);
    const all = board.of(functionKey(serviceName, functionName, qualifier))?.instances ?? [];
    const meant = all
      .filter(isAvailable)
      .filter(({ instanceId }) => instanceId >= startKey && (ids === undefined || ids.has(instanceId)))
      .sort((left, right) => (left.instanceId < right.instanceId ? -1 : 1));
    const instances = meant.slice(0, limit).map(({ instanceId, versionId = LATEST_VERSION_ID }) => ({
      instanceId,
      versionId,
    }));
    return c.json({ instances });
  });
}

function isAvailable({ phase, openCalls }: InstanceStatus): boolean {
  return phase === "ready" || phase === "frozen" || openCalls > 0;
}

/** The SDKs send a list as `instanceIds.1=A&instanceIds.2=B`. */
function instanceQuery(query: Readonly<Record<string, string>>): {
  readonly limit: number;
  readonly startKey: string;
  readonly ids: ReadonlySet<string> | undefined;
} {
  const limit = Number(query["limit"] ?? "0");
  if (!Number.isInteger(limit) || limit < 0 || limit > LIMIT_MAX) {
    invalid(`limit: expected an integer from 0 to ${LIMIT_MAX}, got ${JSON.stringify(query["limit"])}`);
  }
  const ids = Object.entries(query).filter(([key]) => /^instanceIds(\.\d+)?$/.test(key));
  return {
    limit: limit === 0 ? LIMIT_MAX : limit,
    startKey: query["startKey"] ?? "",
    ids: ids.length === 0 ? undefined : new Set(ids.map(([, id]) => id)),
  };
}
