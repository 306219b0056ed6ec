/**
 * Function Compute's API of services, in each of its versions: the same operations, told apart by their traits. It
 * translates, and decides nothing.
 */
import { Hono } from "hono";
import type { Clock } from "../../base/base.ts";
import type { CodeLinks } from "../code/code-links.ts";
import { traits20160815 } from "../dialect-2016-08-15/traits.ts";
import { traits20210406 } from "../dialect-2021-04-06/traits.ts";
import { jsonBody, noContent } from "../http/answers.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import type { Invocations } from "../invocations.ts";
import { OPERATIONS } from "../operations/operations.ts";
import type { EndpointInfo } from "../options.ts";
import type { ListQuery, Page, Resources, Stored } from "../resources/resources.ts";
import type { StatusBoard } from "../status-board.ts";
import { aliasDocument } from "./alias.ts";
import { customDomainDocument } from "./custom-domain.ts";
import { functionDocument, functionInput } from "./function.ts";
import { addFunctionCode } from "./function-code.ts";
import { addInstances } from "./instances.ts";
import { addInvocations } from "./invoke.ts";
import { addOnDemandConfigs } from "./on-demand-config.ts";
import { functionParams, param, qualifiedName, qualifiedService, serviceParam } from "./parameters.ts";
import { addProvisionConfigs } from "./provision-config.ts";
import { serviceDocument } from "./service.ts";
import { addTableRoutes } from "./table-routes.ts";
import { addTags, wantedTags } from "./tags.ts";
import type { DialectTraits } from "./traits.ts";
import { triggerDocument, triggerInput } from "./trigger.ts";
import { versionDocument } from "./version.ts";

const DIALECTS: readonly DialectTraits[] = [traits20210406, traits20160815];

export interface DialectContext {
  readonly resources: Resources;
  readonly endpoint: EndpointInfo;
  readonly accountId: string;
  readonly board: StatusBoard;
  readonly invocations: Invocations;
  readonly codeLinks: CodeLinks;
  readonly clock: Clock;
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

/** Whether a request may carry a code package. */
export function isUpload(method: string, path: string): boolean {
  const below = belowVersion(path);
  if (method === "POST") return /^services\/[^/]+\/functions$/.test(below);
  return method === "PUT" && /^services\/[^/]+\/functions\/[^/]+$/.test(below);
}

/** Whether the body of a request is an event for a function. */
export function isEvent(method: string, path: string): boolean {
  return method === "POST" && /^services\/[^/]+\/functions\/[^/]+\/invocations$/.test(belowVersion(path));
}

/** A path without the version of the API; empty where it has none. */
function belowVersion(path: string): string {
  const [, version, ...rest] = path.split("/");
  return DIALECTS.some((each) => each.version === version) ? rest.join("/") : "";
}

/** Whether a path calls a function as before there were hosts of triggers: told to everybody that it is not served. */
export function isOldInvocation(path: string): boolean {
  return path.startsWith(`/${traits20160815.version}/proxy/`);
}

/** The routes of every version, each below its own prefix. */
export function fcDialects(context: DialectContext): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  for (const traits of DIALECTS) app.route(`/${traits.version}`, dialectOf(traits, context));
  return app;
}

function dialectOf(traits: DialectTraits, context: DialectContext): Hono<ApiEnv> {
  const { resources, endpoint, accountId } = context;
  const { services, functions, triggers, customDomains, versions, aliases } = resources;
  const app = new Hono<ApiEnv>();

  addResource(app, {
    collectionPath: "/services",
    memberPath: "/services/:serviceName",
    listKey: "services",
    create: (_c, body) => services.create(body),
    get: (c) => services.get(...qualifiedService(c)),
    list: async (c, query) => {
      const wanted = wantedTags(c.req.query());
      return services.list(query, wanted && (await resources.tags.servicesWith(wanted)));
    },
    update: (c, body, ifMatch) => services.update(serviceParam(c), body, ifMatch),
    delete: (c, ifMatch) => services.delete(serviceParam(c), ifMatch),
    document: serviceDocument,
  });
  addResource(app, {
    collectionPath: "/services/:serviceName/functions",
    memberPath: "/services/:serviceName/functions/:functionName",
    listKey: "functions",
    create: (c, body) => functions.create(serviceParam(c), functionInput(body), checksum(c)),
    get: (c) => {
      const { serviceName, functionName, qualifier } = qualifiedName(c);
      return functions.get(serviceName, functionName, qualifier);
    },
    list: (c, query) => {
      const [serviceName, qualifier] = qualifiedService(c);
      return functions.list(serviceName, query, qualifier);
    },
    update: (c, body, ifMatch) =>
      functions.update(...functionParams(c), functionInput(body), { ifMatch, checksum: checksum(c) }),
    delete: (c, ifMatch) => functions.delete(...functionParams(c), ifMatch),
    document: functionDocument,
  });
  addResource(app, {
    collectionPath: "/services/:serviceName/functions/:functionName/triggers",
    memberPath: "/services/:serviceName/functions/:functionName/triggers/:triggerName",
    listKey: "triggers",
    create: (c, body) => triggers.create(...functionParams(c), triggerInput(body, traits)),
    get: (c) => triggers.get(...functionParams(c), param(c, "triggerName")),
    list: (c, query) => triggers.list(...functionParams(c), query),
    update: (c, body, ifMatch) =>
      triggers.update(...functionParams(c), param(c, "triggerName"), triggerInput(body, traits), ifMatch),
    delete: (c, ifMatch) => triggers.delete(...functionParams(c), param(c, "triggerName"), ifMatch),
    document: (trigger) => triggerDocument(trigger, endpoint, traits),
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
    document: (domain) => customDomainDocument(domain, customDomains.info(domain), accountId, traits),
  });
  addResource(app, {
    collectionPath: "/services/:serviceName/aliases",
    memberPath: "/services/:serviceName/aliases/:aliasName",
    listKey: "aliases",
    create: (c, body) => aliases.create(serviceParam(c), body),
    get: (c) => aliases.get(...aliasParams(c)),
    list: (c, query) => aliases.list(serviceParam(c), query),
    update: (c, body, ifMatch) => aliases.update(...aliasParams(c), body, ifMatch),
    delete: (c, ifMatch) => aliases.delete(...aliasParams(c), ifMatch),
    document: aliasDocument,
  });
  addVersions(app, versions);
  addOnDemandConfigs(app, context);
  addProvisionConfigs(app, context);
  addInstances(app, context);
  addInvocations(app, context);
  addFunctionCode(app, context);
  addTags(app, context);
  app.get("/account-settings", (c) => c.json({ availableAZs: [endpoint.region], defaultRole: "" }));
  addTableRoutes(app, OPERATIONS[traits.version], resources);
  traits.addRoutes?.(app);
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
    const { value, etag } = await versions.publish(serviceParam(c), jsonBody(c), c.req.header("if-match"));
    c.header("ETag", etag);
    return c.json(versionDocument(value));
  });
  app.get(path, async (c) => {
    const { items, nextToken, direction } = await versions.list(serviceParam(c), c.req.query());
    return c.json({ versions: items.map(({ value }) => versionDocument(value)), nextToken, direction });
  });
  app.delete(`${path}/:versionId`, async (c) => {
    await versions.delete(serviceParam(c), param(c, "versionId"));
    return noContent(c);
  });
}

function aliasParams(c: ApiContext): [serviceName: string, aliasName: string] {
  return [serviceParam(c), param(c, "aliasName")];
}

function checksum(c: ApiContext): string | undefined {
  return c.req.header("x-fc-code-checksum");
}
