import type { Hono } from "hono";
import type { ResourceTags } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import { jsonBody } from "../http/answers.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import type { DialectContext } from "./dialect.ts";

/** Tags of services. Untagging is PUT in API 2021-04-06 and DELETE in 2016-08-15, both with a body; here either is both. */
export function addTags(app: Hono<ApiEnv>, { resources: { tags } }: DialectContext): void {
  const document = ({ serviceName, tags: map }: ResourceTags) => ({ resourceArn: tags.arnOf(serviceName), tags: map });
  // With a body: the SDK of 2016-08-15 for Python parses it.
  const done = (c: ApiContext) => c.json({ requestId: c.get("requestId") });
  const untag = async (c: ApiContext) => {
    await tags.untag(jsonBody(c));
    return done(c);
  };
  app.post("/tag", async (c) => {
    await tags.tag(jsonBody(c));
    return done(c);
  });
  app.put("/tag", untag);
  app.delete("/tag", untag);
  app.get("/tag", async (c) => {
    const arn = c.req.query("resourceArn") ?? invalid("resourceArn: expected the ARN of a service, got nothing");
    return c.json(document(await tags.get(arn)));
  });
  app.get("/tags", async (c) => {
    const { items, nextToken } = await tags.list(c.req.query());
    return c.json({ resources: items.map(({ value }) => document(value)), nextToken });
  });
}

/** The tags that a list of services is asked for: `tag_KEY=VALUE` in the query (fc2); undefined: none. */
export function wantedTags(query: Readonly<Record<string, string>>): ReadonlyMap<string, string> | undefined {
  const wanted = Object.entries(query)
    .filter(([name]) => name.startsWith("tag_"))
    .map(([name, value]) => [name.slice("tag_".length), value] as const);
  return wanted.length === 0 ? undefined : new Map(wanted);
}
