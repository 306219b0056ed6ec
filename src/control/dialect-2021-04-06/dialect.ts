/** API 2021-04-06, which the official SDK `fc-open20210406` speaks. It translates, and decides nothing. */
import { Hono } from "hono";
import { jsonBody, noContent } from "../http/answers.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import type { EndpointInfo } from "../options.ts";
import type { ListQuery, Page, Resources, Stored } from "../resources/resources.ts";
import type { StatusBoard } from "../status-board.ts";
import { aliasDocument } from "./alias.ts";
import { customDomainDocument } from "./custom-domain.ts";
import { functionDocument, functionInput } from "./function.ts";
import { addInstances } from "./instances.ts";
import { addOnDemandConfigs } from "./on-demand-config.ts";
import { functionParams, param, qualifierOf } from "./parameters.ts";
import { addProvisionConfigs } from "./provision-config.ts";
import { serviceDocument } from "./service.ts";
import { triggerDocument, triggerInput } from "./trigger.ts";
import { versionDocument } from "./version.ts";

export const PREFIX = "/2021-04-06";

export interface DialectContext {
  readonly resources: Resources;
  readonly endpoint: EndpointInfo;
  readonly accountId: string;
  readonly board: StatusBoard;
}

/** One kind of resource: how its five operations are called, and how it looks. */
interface Operations<T> {
  readonly collectionPath: string;
  readonly memberPath: string;
  readonly listKey: string;
  create(c: ApiContext, body: Record<string, unknown>): Promise<Stored<T>>;
  get(c: ApiContext): Promise<Stored<T>>;
  list(c: ApiContext, query: ListQuery): Promise<Page<T>>;
  update(c: ApiContext, body: Record<string, unknown>, ifMatch: string | undefined): Promise<Stored<T>>;
  delete(c: ApiContext, ifMatch: string | undefined): Promise<void>;
  document(value: T): Record<string, unknown>;
}

/** Whether a request of this dialect may carry a code package. */
export function isUpload(method: string, path: string): boolean {
  if (method === "POST") return /^\/2021-04-06\/services\/[^/]+\/functions$/.test(path);
  return method === "PUT" && /^\/2021-04-06\/services\/[^/]+\/functions\/[^/]+$/.test(path);
}

/** The routes below PREFIX. */
export function dialect20210406(context: DialectContext): Hono<ApiEnv> {
  const { resources, endpoint, accountId } = context;
  const { services, functions, triggers, customDomains, versions, aliases } = resources;
  const app = new Hono<ApiEnv>();

  addResource(app, {
    collectionPath: "/services",
    memberPath: "/services/:serviceName",
    listKey: "services",
    create: (_c, body) => services.create(body),
    get: (c) => services.get(param(c, "serviceName"), qualifierOf(c)),
    list: (_c, query) => services.list(query),
    update: (c, body, ifMatch) => services.update(param(c, "serviceName"), body, ifMatch),
    delete: (c, ifMatch) => services.delete(param(c, "serviceName"), ifMatch),
    document: serviceDocument,
  });
  addResource(app, {
    collectionPath: "/services/:serviceName/functions",
    memberPath: "/services/:serviceName/functions/:functionName",
    listKey: "functions",
    create: (c, body) => functions.create(param(c, "serviceName"), functionInput(body), checksum(c)),
    get: (c) => functions.get(...functionParams(c), qualifierOf(c)),
    list: (c, query) => functions.list(param(c, "serviceName"), query, qualifierOf(c)),
    update: (c, body, ifMatch) =>
      functions.update(...functionParams(c), functionInput(body), { ifMatch, checksum: checksum(c) }),
    delete: (c, ifMatch) => functions.delete(...functionParams(c), ifMatch),
    document: functionDocument,
  });
  addResource(app, {
    collectionPath: "/services/:serviceName/functions/:functionName/triggers",
    memberPath: "/services/:serviceName/functions/:functionName/triggers/:triggerName",
    listKey: "triggers",
    create: (c, body) => triggers.create(...functionParams(c), triggerInput(body)),
    get: (c) => triggers.get(...functionParams(c), param(c, "triggerName")),
    list: (c, query) => triggers.list(...functionParams(c), query),
    update: (c, body, ifMatch) =>
      triggers.update(...functionParams(c), param(c, "triggerName"), triggerInput(body), ifMatch),
    delete: (c, ifMatch) => triggers.delete(...functionParams(c), param(c, "triggerName"), ifMatch),
    document: (trigger) => triggerDocument(trigger, endpoint),
  });
  addResource(app, {
    collectionPath: "/custom-domains",
    memberPath: "/custom-domains/:domainName",
    listKey: "customDomains",
    create: (_c, body) => customDomains.create(body),
    get: (c) => customDomains.get(param(c, "domainName")),
    list: (_c, query) => customDomains.list(query),
    update: (c, body, ifMatch) => customDomains.update(param(c, "domainName"), body, ifMatch),
    delete: (c, ifMatch) => customDomains.delete(param(c, "domainName"), ifMatch),
    document: (domain) => customDomainDocument(domain, accountId),
  });
  addResource(app, {
    collectionPath: "/services/:serviceName/aliases",
    memberPath: "/services/:serviceName/aliases/:aliasName",
    listKey: "aliases",
    create: (c, body) => aliases.create(param(c, "serviceName"), body),
    get: (c) => aliases.get(...aliasParams(c)),
    list: (c, query) => aliases.list(param(c, "serviceName"), query),
    update: (c, body, ifMatch) => aliases.update(...aliasParams(c), body, ifMatch),
    delete: (c, ifMatch) => aliases.delete(...aliasParams(c), ifMatch),
    document: aliasDocument,
  });
  addVersions(app, versions);
  addOnDemandConfigs(app, context);
  addProvisionConfigs(app, context);
  addInstances(app, context);
  return app;
}

function addResource<T>(app: Hono<ApiEnv>, operations: Operations<T>): void {
  const { collectionPath, memberPath, listKey } = operations;
  const answer = (c: ApiContext, { value, etag }: Stored<T>) => {
    c.header("ETag", etag);
    return c.json(operations.document(value));
  };
  app.post(collectionPath, async (c) => answer(c, await operations.create(c, jsonBody(c))));
  app.get(collectionPath, async (c) => {
    const { items, nextToken } = await operations.list(c, c.req.query());
    return c.json({ [listKey]: items.map(({ value }) => operations.document(value)), nextToken });
  });
  app.get(memberPath, async (c) => answer(c, await operations.get(c)));
  app.put(memberPath, async (c) => answer(c, await operations.update(c, jsonBody(c), c.req.header("if-match"))));
  app.delete(memberPath, async (c) => {
    await operations.delete(c, c.req.header("if-match"));
    return noContent(c);
  });
}

/** Versions are published and deleted, never changed; Function Compute reads them by their list alone. */
function addVersions(app: Hono<ApiEnv>, versions: Resources["versions"]): void {
  const path = "/services/:serviceName/versions";
  app.post(path, async (c) => {
    const { value, etag } = await versions.publish(param(c, "serviceName"), jsonBody(c), c.req.header("if-match"));
    c.header("ETag", etag);
    return c.json(versionDocument(value));
  });
  app.get(path, async (c) => {
    const { items, nextToken, direction } = await versions.list(param(c, "serviceName"), c.req.query());
    return c.json({ versions: items.map(({ value }) => versionDocument(value)), nextToken, direction });
  });
  app.delete(`${path}/:versionId`, async (c) => {
    await versions.delete(param(c, "serviceName"), param(c, "versionId"));
    return noContent(c);
  });
}

function aliasParams(c: ApiContext): [serviceName: string, aliasName: string] {
  return [param(c, "serviceName"), param(c, "aliasName")];
}

function checksum(c: ApiContext): string | undefined {
  return c.req.header("x-fc-code-checksum");
}
