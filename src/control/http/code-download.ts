import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { Hono } from "hono";
import { ApiError } from "../api-error.ts";
import type { CodeLinks } from "../code/code-links.ts";
import type { CodePackages } from "../code/code-packages.ts";
import type { ApiEnv } from "./env.ts";

const PREFIX = "/code";

/** Whether a request carries a signature in its link, and no other. */
export function isCodeDownload(method: string, path: string): boolean {
  return method === "GET" && path.startsWith(`${PREFIX}/`);
}

/** Path and query of a link to a code package, good for a while. */
export function codeDownloadPath(sha256: string, links: CodeLinks): string {
  return `${PREFIX}/${sha256}.zip?${links.queryFor(sha256)}`;
}

/** Where the links of GetFunctionCode lead: the zip as it was uploaded, as it is read. */
export function codeDownloads(packages: CodePackages, links: CodeLinks): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.get(`${PREFIX}/:file{[0-9a-f]{64}\\.zip}`, async (c) => {
    const sha256 = c.req.param("file").slice(0, 64);
    const verdict = links.check(sha256, c.req.query("expires") ?? "", c.req.query("signature") ?? "");
    if (verdict !== "good") {
      const what = verdict === "expired" ? "has expired" : "is not one that this Sluice has given since its start";
      throw new ApiError("AccessDenied", `Access denied: the link ${what}: ask for the function's code again`);
    }
    const file = await open(packages.zipOf(sha256)).catch((cause: unknown) => {
      throw new ApiError("FunctionNotFound", "The code package is not there any more: no function has it", { cause });
    });
    // Open, it can be read to its end whatever becomes of its name.
    const { size } = await file.stat();
    c.header("Content-Type", "application/zip");
    c.header("Content-Length", String(size));
    c.header("Content-Disposition", `attachment; filename="${sha256.slice(0, 12)}.zip"`);
    return c.body(Readable.toWeb(file.createReadStream()) as ReadableStream);
  });
  return app;
}
