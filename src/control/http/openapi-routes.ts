import { Hono } from "hono";
import { openApi } from "../operations/openapi.ts";
import { type Dialect, OPERATIONS } from "../operations/operations.ts";
import type { ApiEnv } from "./env.ts";

export const OPENAPI_PATH = "/openapi";

/** `/2021-04-06.json` and the like: each dialect as OpenAPI 3.1. It tells nothing of anybody's resources. */
export function openApiRoutes(): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  for (const dialect of Object.keys(OPERATIONS) as Dialect[]) {
    app.get(`/${dialect}.json`, (c) => c.json(openApi(dialect)));
  }
  return app;
}
