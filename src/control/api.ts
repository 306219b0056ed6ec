/** The API as one app: both dialects of Function Compute, Sluice's own endpoints, and what is served beside them. */
import type { Hono } from "hono";
import { fcDialects, isEvent, isOldInvocation, isUpload } from "./dialect/dialect.ts";
import { createApp } from "./http/app.ts";
import type { BodyKind } from "./http/body-reader.ts";
import { codeDownloads, isCodeDownload } from "./http/code-download.ts";
import type { ApiEnv } from "./http/env.ts";
import { OPENAPI_PATH, openApiRoutes } from "./http/openapi-routes.ts";
import { METRICS_PATH } from "./metrics/metrics.ts";
import type { ControlPlaneOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { isArchive } from "./sluice-v1/backup.ts";
import { isZip } from "./sluice-v1/code-packages.ts";
import { SLUICE_PREFIX, sluiceV1 } from "./sluice-v1/sluice-v1.ts";

/** `goOver`: a restore has committed, and this control plane makes way for one that serves it. */
export function createApi(options: ControlPlaneOptions, parts: Parts, goOver: () => void): Hono<ApiEnv> {
  const { store, endpoint, listen, clock, logger } = options;
  const { accountId } = options.credentials;
  const { authenticator, audit, packages, codeLinks, metrics } = parts;
  const app = createApp({
    authenticator,
    audit,
    clock,
    listenHosts: listen.hosts,
    logger,
    packages,
    bodyKind,
    isPresigned: isCodeDownload,
    isOpen,
  });
  app.route("/", fcDialects({ ...parts, endpoint, accountId, clock }));
  app.route(SLUICE_PREFIX, sluiceV1({ ...parts, store, endpoint, goOver }));
  app.route(METRICS_PATH, metrics.route());
  app.route(OPENAPI_PATH, openApiRoutes());
  app.route("/", codeDownloads(packages, codeLinks));
  return app;
}

function bodyKind(method: string, path: string): BodyKind | "stream" {
  if (isArchive(method, path)) return "stream";
  if (isEvent(method, path)) return "event";
  if (isZip(method, path)) return "zip";
  return isUpload(method, path) ? "function" : "json";
}

/** What needs no signature where it comes from this machine. */
function isOpen(method: string, path: string): boolean {
  if (isOldInvocation(path)) return true;
  return method === "GET" && (path === METRICS_PATH || path.startsWith(`${OPENAPI_PATH}/`));
}
