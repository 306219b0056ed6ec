/** Sluice's own endpoints, which its command line uses. Shapes: model/sluice-api.ts. */
import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { AuditAnswer, AutoDomainAnswer, HealthAnswer, ImagePullsAnswer, UsageAnswer } from "../../model/model.ts";
import type { Store } from "../../store/store.ts";
import { invalid } from "../api-error.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Backups } from "../backup/backups.ts";
import type { CodePackages } from "../code/code-packages.ts";
import type { UploadedPackages } from "../code/uploaded-packages.ts";
import type { ProjectionContext } from "../data-plane/projection.ts";
import type { Publisher } from "../data-plane/publisher.ts";
import { jsonBody } from "../http/answers.ts";
import type { ApiEnv } from "../http/env.ts";
import type { Images } from "../images/images.ts";
import type { FunctionLogs } from "../logs/function-logs.ts";
import type { EndpointInfo } from "../options.ts";
import type { Repository, Resources } from "../resources/resources.ts";
import type { StatusBoard } from "../status-board.ts";
import type { UsageJournal } from "../usage-journal.ts";
import { addBackups } from "./backup.ts";
import { addCodePackages } from "./code-packages.ts";
import { readFunction, readFunctions } from "./functions.ts";
import { addKeys } from "./keys.ts";
import { answerLogs } from "./logs.ts";

export const SLUICE_PREFIX = "/sluice/v1";

/** Most records of one answer. */
const AUDIT_LIMIT_MAX = 10_000;

export interface SluiceContext {
  readonly store: Store;
  readonly repository: Repository;
  readonly resources: Resources;
  readonly projection: ProjectionContext;
  readonly publisher: Publisher;
  readonly board: StatusBoard;
  readonly logs: FunctionLogs;
  readonly audit: AuditLog;
  readonly usage: UsageJournal;
  readonly images: Images;
  readonly endpoint: EndpointInfo;
  readonly backups: Backups;
  readonly packages: CodePackages;
  readonly uploads: UploadedPackages;
  /** Ends this control plane, so that another begins with what was restored. */
  goOver(): void;
}

/** The routes below SLUICE_PREFIX. */
export function sluiceV1(context: SluiceContext): Hono<ApiEnv> {
  const { store, repository, resources, publisher, logs, audit, usage, images } = context;
  const app = new Hono<ApiEnv>();
  const controlId = randomUUID();
  app.get("/functions", async (c) => c.json(await readFunctions(context)));
  app.get("/services/:serviceName/functions/:functionName", async (c) =>
    c.json(await readFunction(context, c.req.param("serviceName"), c.req.param("functionName"))),
  );
  app.post("/services/:serviceName/rollback", async (c) =>
    c.json(await resources.rollback.run(c.req.param("serviceName"), jsonBody(c))),
  );
  app.get("/services/:serviceName/functions/:functionName/auto-domain", (c) => {
    const domainName = resources.customDomains.autoName(c.req.param("serviceName"), c.req.param("functionName"));
    return c.json({ domainName } satisfies AutoDomainAnswer);
  });
  app.get("/image-pulls", (c) => c.json({ pulls: images.pulls } satisfies ImagePullsAnswer));
  addKeys(app, resources);
  addCodePackages(app, context.packages, context.uploads);
  addBackups(app, context.backups, context.goOver);
  app.get("/audit", async (c) => {
    const limit = c.req.query("limit") ?? "100";
    if (!/^[1-9]\d{0,4}$/.test(limit) || Number(limit) > AUDIT_LIMIT_MAX) {
      invalid(`limit: expected an integer from 1 to ${AUDIT_LIMIT_MAX}, got ${JSON.stringify(limit)}`);
    }
    return c.json({ records: await audit.last(Number(limit)) } satisfies AuditAnswer);
  });
  app.get("/logs", (c) => answerLogs(c, logs));
  app.get("/usage", async (c) => {
    const sinceMs = c.req.query("sinceMs") ?? "0";
    if (!/^\d{1,15}$/.test(sinceMs))
      invalid(`sinceMs: expected milliseconds since 1970, got ${JSON.stringify(sinceMs)}`);
    // What has arrived counts, stored or not.
    await usage.flush().catch(() => undefined);
    const totals = await store.usageTotals(repository.accountId, Number(sinceMs));
    return c.json({ usage: totals } satisfies UsageAnswer);
  });
  app.get("/health", async (c) => {
    const answer: HealthAnswer = {
      status: "ok",
      controlId,
      appliedAt: publisher.appliedAt,
      storedAt: await store.currentChange(),
      droppedLogLines: logs.droppedCount,
      pendingUsageRecords: usage.pendingCount,
    };
    return c.json(answer);
  });
  return app;
}
