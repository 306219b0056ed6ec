import { Readable } from "node:stream";
import type { Hono } from "hono";
import { ApiError } from "../api-error.ts";
import type { Backups } from "../backup/backups.ts";
import type { ApiEnv } from "../http/env.ts";

/** Paths below the prefix whose body is read by their handler, as it comes. */
export function isArchive(method: string, path: string): boolean {
  return method === "POST" && path === "/sluice/v1/restore";
}

/** A backup is what `GET /backup` answers, and what `POST /restore` takes. `goOver` begins to serve what was restored. */
export function addBackups(app: Hono<ApiEnv>, backups: Backups, goOver: () => void): void {
  app.get("/backup", async (c) => {
    const archive = await backups.create();
    // Who asked may have gone while the copy was made.
    if (c.env.outgoing.closed) archive.destroy();
    else c.env.outgoing.once("close", () => archive.destroy());
    c.header("Content-Type", "application/zip");
    return c.body(Readable.toWeb(archive) as ReadableStream);
  });
  app.post("/restore", async (c) => {
    const sha256 = c.get("bodySha256");
    if (sha256 === undefined) {
      throw new ApiError(
        "SignatureNotMatch",
        "Sign the backup's bytes too: with ACS3-HMAC-SHA256, x-acs-content-sha256",
      );
    }
    const answer = await backups.restore(c.env.incoming, sha256);
    c.env.outgoing.once("close", goOver);
    return c.json(answer);
  });
}
