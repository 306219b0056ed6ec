import type { Clock } from "../../base/base.ts";
import { asApiError } from "../api-error.ts";
import type { ApiContext } from "../http/env.ts";
import type { AuditLog } from "./audit-log.ts";
import { collectingCommits } from "./committed.ts";
import { isAudited, operationName } from "./operation-name.ts";

/** Longest path in a record. */
const PATH_MAX_CHARS = 1024;

export interface AuditContext {
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/**
 * Runs the rest of a request that `accessKeyId` signed, and writes it down before it is answered, where `isAudited`.
 * Neither query nor body are written: bodies hold secrets.
 */
export async function audited(
  c: ApiContext,
  accessKeyId: string,
  { audit, clock }: AuditContext,
  next: () => Promise<void>,
): Promise<void> {
  const { method, path } = c.req;
  if (!isAudited(method, path)) {
    await next();
    return;
  }
  const changed: string[] = [];
  await collectingCommits(changed, next);
  await audit.add({
    at: clock.epochMs(),
    requestId: c.get("requestId"),
    accessKeyId,
    from: c.env.incoming.socket.remoteAddress ?? "",
    operation: operationName(method, path),
    path: path.slice(0, PATH_MAX_CHARS),
    changed,
    status: c.res.status,
    ...(c.error && { code: asApiError(c.error).code }),
  });
}
