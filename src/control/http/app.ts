/** What every request passes, whatever the dialect: request id, host, signature, body, and how errors are told. */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Logger } from "../../base/base.ts";
import { newRequestId } from "../../model/model.ts";
import type { SignedRequest, Verified } from "../../signing/signing.ts";
import { ApiError, asApiError } from "../api-error.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { errorBody, REQUEST_ID_HEADER } from "./answers.ts";
import { BodyReader } from "./body-reader.ts";
import type { ApiContext, ApiEnv } from "./env.ts";
import { foreignHostMessage, isFromThisMachine, isOwnHost } from "./host-names.ts";

/** Bodies without a code package. */
const BODY_MAX_BYTES = 1024 ** 2;
/** A zip of 100 MiB as base64, and the settings around it. */
const UPLOAD_MAX_BYTES = Math.ceil((100 * 1024 ** 2) / 3) * 4 + BODY_MAX_BYTES;

export interface AppOptions {
  readonly authenticator: Authenticator;
  readonly listenHosts: readonly string[];
  readonly logger: Logger;
  /** Whether a request may carry a code package. */
  isUpload(method: string, path: string): boolean;
  /** Whether the handler reads the body itself, as it comes, and compares it with `bodySha256`. */
  isStream(method: string, path: string): boolean;
  /** Whether a request needs no signature where it comes from this machine. Its body is not read. */
  isOpen(method: string, path: string): boolean;
}

/** An app that answers every path with PathNotSupported until routes are added. */
export function createApp(options: AppOptions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const bodies = new BodyReader();
  app.use(async (c, next) => {
    const requestId = newRequestId();
    c.set("requestId", requestId);
    c.header(REQUEST_ID_HEADER, requestId);
    const { host } = c.env.incoming.headers;
    if (!isOwnHost(host, options.listenHosts)) {
      throw new ApiError("AccessDenied", `Access denied: ${foreignHostMessage(host)}`);
    }
    if (options.isOpen(c.req.method, c.req.path) && isFromThisMachine(c.env.incoming.socket.remoteAddress)) {
      await next();
      return;
    }
    // By the head alone: nobody without a key gets a byte read.
    const verified = options.authenticator.check(signedRequest(c));
    if (options.isStream(c.req.method, c.req.path)) {
      c.set("bodySha256", verified.bodySha256);
      await next();
      return;
    }
    const sizeMaxBytes = options.isUpload(c.req.method, c.req.path) ? UPLOAD_MAX_BYTES : BODY_MAX_BYTES;
    using _share = await takeBody(c, bodies, sizeMaxBytes, verified);
    await next();
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

/** The body stays in the context alone, so that whoever parses it can let it go. */
async function takeBody(
  c: ApiContext,
  bodies: BodyReader,
  sizeMaxBytes: number,
  verified: Verified,
): Promise<Disposable> {
  const { bytes, share } = await bodies.read(c.env.incoming, sizeMaxBytes, verified);
  c.set("body", bytes);
  return share;
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
