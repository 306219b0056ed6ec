import type { Hono } from "hono";
import type { AccessKeyInfo, AccessKeysAnswer, NewAccessKey } from "../../model/model.ts";
import { jsonBody, noContent } from "../http/answers.ts";
import type { ApiEnv } from "../http/env.ts";
import type { Resources } from "../resources/resources.ts";

/** Access keys: list, create, disable, and forget what is disabled. */
export function addKeys(app: Hono<ApiEnv>, { accessKeys }: Resources): void {
  app.get("/keys", async (c) => c.json({ keys: await accessKeys.list() } satisfies AccessKeysAnswer));
  app.post("/keys", async (c) => c.json((await accessKeys.create(jsonBody(c))) satisfies NewAccessKey));
  app.post("/keys/:accessKeyId/disable", async (c) =>
    c.json((await accessKeys.disable(c.req.param("accessKeyId"))) satisfies AccessKeyInfo),
  );
  app.delete("/keys/:accessKeyId", async (c) => {
    await accessKeys.delete(c.req.param("accessKeyId"));
    return noContent(c);
  });
}
