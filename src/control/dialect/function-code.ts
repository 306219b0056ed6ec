import type { Hono } from "hono";
import { invalid } from "../api-error.ts";
import { codeDownloadPath } from "../http/code-download.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import type { DialectContext } from "./dialect.ts";
import { qualifiedName } from "./parameters.ts";

/** GetFunctionCode: a link to the zip, at the address that the caller asked. */
export function addFunctionCode(app: Hono<ApiEnv>, { resources, codeLinks }: DialectContext): void {
  app.get("/services/:serviceName/functions/:functionName/code", async (c) => {
    const { serviceName, functionName, qualifier } = qualifiedName(c);
    const { value } = await resources.functions.get(serviceName, functionName, qualifier);
    if (value.code === undefined) {
      return invalid(`functionName: expected a function with a code package, got '${functionName}', which is an image`);
    }
    return c.json({ url: origin(c) + codeDownloadPath(value.code.sha256, codeLinks), checksum: value.code.checksum });
  });
}

/** SDKs may leave the port out of the Host header (fc2 does). */
function origin(c: ApiContext): string {
  const { socket, headers } = c.env.incoming;
  const scheme = "encrypted" in socket && socket.encrypted === true ? "https" : "http";
  const { host = "" } = headers;
  return `${scheme}://${/:\d+$/.test(host) ? host : `${host}:${socket.localPort}`}`;
}
