import type { Hono } from "hono";
import type { OnDemandSetting } from "../../model/model.ts";
import { jsonBody, noContent } from "../http/answers.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import { onDemandResource, type Stored } from "../resources/resources.ts";
import type { DialectContext } from "./dialect.ts";
import { qualifiedName } from "./parameters.ts";

const PATH = "/services/:serviceName/functions/:functionName/on-demand-config";

/** Limits of functions: put, read, deleted, and listed over all services. */
export function addOnDemandConfigs(app: Hono<ApiEnv>, { resources: { onDemandConfigs } }: DialectContext): void {
  const answer = (c: ApiContext, { value, etag }: Stored<OnDemandSetting>) => {
    c.header("ETag", etag);
    return c.json(onDemandDocument(value));
  };
  app.put(PATH, async (c) =>
    answer(c, await onDemandConfigs.put(qualifiedName(c), jsonBody(c), c.req.header("if-match"))),
  );
  app.get(PATH, async (c) => answer(c, await onDemandConfigs.get(qualifiedName(c))));
  app.delete(PATH, async (c) => {
    await onDemandConfigs.delete(qualifiedName(c), c.req.header("if-match"));
    return noContent(c);
  });
  app.get("/on-demand-configs", async (c) => {
    const { items, nextToken } = await onDemandConfigs.list(c.req.query());
    return c.json({ configs: items.map(({ value }) => onDemandDocument(value)), nextToken });
  });
}

function onDemandDocument(setting: OnDemandSetting): Record<string, unknown> {
  return { resource: onDemandResource(setting), maximumInstanceCount: setting.maximumInstanceCount };
}
