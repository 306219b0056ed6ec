/** What every request passes, whatever the dialect: request id, host, signature, body, and how errors are told. */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Logger } from "../../base/base.ts";
import { newRequestId } from "../../model/model.ts";
import type { SignedRequest } from "../../signing/signing.ts";
import { ApiError, asApiError } from "../api-error.ts";
import { type AuditContext, audited } from "../audit/audited.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { CodePackages } from "../code/code-packages.ts";
import { errorBody, REQUEST_ID_HEADER } from "./answers.ts";
import { type BodyKind, BodyReader, goOn } from "./body-reader.ts";
import type { ApiContext, ApiEnv } from "./env.ts";
import { foreignHostMessage, isFromThisMachine, isOwnHost } from "./host-names.ts";

export interface AppOptions extends AuditContext {
  readonly authenticator: Authenticator;
  readonly listenHosts: readonly string[];
  readonly logger: Logger;
  /** Where zips in bodies go. */
  readonly packages: CodePackages;
  /** What a request's body is; `stream`: the handler reads it itself, as it comes, and compares it with `bodySha256`. */
  bodyKind(method: string, path: string): BodyKind | "stream";
  /** Whether a request carries a signature in its query, which the handler checks. Its body is not read. */
  isPresigned(method: string, path: string): boolean;
  /** Whether a request needs no signature where it comes from this machine. Its body is not read. */
  isOpen(method: string, path: string): boolean;
}

/** An app that answers every path with PathNotSupported until routes are added. */
export function createApp(options: AppOptions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const bodies = new BodyReader(options.packages);
  app.use(async (c, next) => {
    const requestId = newRequestId();
    c.set("requestId", requestId);
    c.header(REQUEST_ID_HEADER, requestId);
    const { host } = c.env.incoming.headers;
    // Over TLS the certificate tells names apart: a browser asks none by a name that it does not hold.
    const isEncrypted = "encrypted" in c.env.incoming.socket;
    if (!isEncrypted && !isOwnHost(host, options.listenHosts)) {
      throw new ApiError("AccessDenied", `Access denied: ${foreignHostMessage(host)}`);
    }
    if (options.isOpen(c.req.method, c.req.path) && isFromThisMachine(c.env.incoming.socket.remoteAddress)) {
      await next();
      return;
    }
    if (options.isPresigned(c.req.method, c.req.path)) {
      await next();
      return;
    }
    // By the head alone: nobody without a key gets a byte read.
    const signed = options.authenticator.check(signedRequest(c));
    const kind = options.bodyKind(c.req.method, c.req.path);
    if (kind === "stream") {
      goOn(c.env);
      c.set("bodySha256", signed.bodySha256);
      await audited(c, signed.accessKeyId, options, next);
      return;
    }
    await using body = await bodies.read(c.env, { kind, signed });
    c.set("body", body.bytes);
    c.set("zip", body.zip);
    await audited(c, signed.accessKeyId, options, next);
  });
  app.notFound((c) => {
    const message = `'${c.req.method}' against '${c.req.path}' is not supported`;
    return answerError(c, new ApiError("PathNotSupported", message));
  });
  app.onError((error, c) => {
    const told = asApiError(error);
    if (told.code === "InternalServerError") {
      const { method, path } = c.req;
      options.logger.error("A request of the API failed", { error, method, path, requestId: c.get("requestId") });
    }
    return answerError(c, told);
  });
  return app;
}

function answerError(c: ApiContext, error: ApiError): Response {
  return c.json(errorBody(error, c.get("requestId")), error.status as ContentfulStatusCode);
}

function signedRequest(c: ApiContext): SignedRequest {
  const { method = "", url = "", rawHeaders } = c.env.incoming;
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = String(rawHeaders[index]).toLowerCase();
    const value = String(rawHeaders[index + 1]);
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value);
  }
  return { method, url, headers };
}
