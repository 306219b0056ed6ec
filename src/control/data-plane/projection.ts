/** What the data plane is told of the resources. Pure. */
import { createHash } from "node:crypto";
import {
  type CertificateEntry,
  type ContainerImage,
  type ContainerSetting,
  type CustomDomain,
  type DataPlaneEntry,
  type DomainRoute,
  type FunctionEntry,
  type FunctionResource,
  functionKey,
  LATEST,
  type ProvisionConfig,
  type Revision,
  type RevisionId,
  type RouteEntry,
  type Service,
  type Trigger,
} from "../../model/model.ts";
import { healthCheckOf, hooksOf } from "../lifecycle.ts";
import { dnsOf, isServed, textsOf } from "../resources/resources.ts";

/** Where nothing is configured. Function Compute: `/code/bootstrap`, run in `/code`. */
const DEFAULT_COMMAND = "./bootstrap";

/** What a function's entries are made of beside the resources. */
export interface ProjectionContext {
  readonly accountId: string;
  /** Folder of the unpacked package. */
  codeDirOf(sha256: string): string;
}

/** A function as one version has it; `LATEST` as it stands. */
export interface FunctionVersion {
  readonly versionId: string;
  readonly service: Service;
  readonly resource: FunctionResource;
}

/** What a function runs under one qualifier. */
export interface QualifiedFunction {
  readonly qualifier: string;
  readonly main: FunctionVersion;
  /** Versions with a share of the calls, above 0 and below 1. */
  readonly additional: readonly (FunctionVersion & { readonly weight: number })[];
  /** Of its on-demand config; absent: none. */
  readonly maximumInstanceCount?: number;
  /** Of its provision config; absent: none. */
  readonly provision?: ProvisionConfig;
}

/** What the scheduler runs for a function under one qualifier. */
export function functionEntry(qualified: QualifiedFunction, context: ProjectionContext): FunctionEntry {
  const { qualifier, main, additional, maximumInstanceCount, provision } = qualified;
  const revision = revisionOf(qualifier, main, context);
  const additionalRevisions = additional.map(({ weight, ...version }) => ({
    revision: revisionOf(qualifier, version, context),
    weight,
  }));
  return {
    kind: "function",
    function: revision.function,
    revision,
    ...(maximumInstanceCount !== undefined && { maximumInstanceCount }),
    ...(additionalRevisions.length > 0 && { additionalRevisions }),
    ...(provision && { provision }),
  };
}

/**
 * The certificate and routes of a custom domain; nothing for one with protocol HTTP alone. A route leads only to a
 * function with an http trigger, and asks of callers what that trigger does (Function Compute 2.0). `triggerOf` finds it.
 */
export function domainEntries(
  domain: CustomDomain,
  triggerOf: (route: DomainRoute) => Trigger | undefined,
): DataPlaneEntry[] {
  const host = domain.domainName.toLowerCase();
  const entries: DataPlaneEntry[] = [];
  if (!isServed(domain)) return entries;
  const shown = domain.certificate ?? domain.localCertificate;
  if (shown !== undefined) {
    const { certificate: certificatePem, privateKey: privateKeyPem } = shown;
    entries.push({ kind: "certificate", host, certificatePem, privateKeyPem } satisfies CertificateEntry);
  }
  for (const route of domain.routes) {
    const trigger = triggerOf(route);
    if (trigger === undefined) continue;
    const { methods } = route;
    entries.push({
      kind: "route",
      host,
      path: route.path,
      function: functionKey(route.serviceName, route.functionName, route.qualifier),
      methods: methods === undefined ? trigger.methods : trigger.methods.filter((each) => methods.includes(each)),
      authType: trigger.authType,
      internetUrlDisabled: false,
      origin: "customDomain",
      ...(route.rewriteConfig && { rewrite: route.rewriteConfig }),
    });
  }
  return entries;
}

/** The generated host of a trigger. */
export function triggerRoute(trigger: Trigger): RouteEntry {
  return {
    kind: "route",
    host: trigger.host,
    path: "/*",
    function: functionKey(trigger.serviceName, trigger.functionName, trigger.qualifier),
    methods: trigger.methods,
    authType: trigger.authType,
    internetUrlDisabled: trigger.disableURLInternet,
    origin: "trigger",
  };
}

/**
 * What instances of a function are started from. Its environment holds the user's variables; those of the runtime
 * contract (`FC_*`) are added where an instance is started.
 */
export function revisionOf(
  qualifier: string,
  { versionId, service, resource }: FunctionVersion,
  context: ProjectionContext,
): Revision {
  const { command, args } = resource.customRuntimeConfig ?? { command: [], args: [] };
  const hasCommand = command.length > 0;
  // Only what is switched on counts, so that a revision without these keeps its id.
  const hooks = hooksOf(resource);
  const healthCheck = healthCheckOf(resource);
  const dns = dnsOf(resource.customDNS);
  const content: Omit<Revision, "id" | "codeDir"> = {
    function: functionKey(resource.serviceName, resource.functionName, qualifier),
    accountId: context.accountId,
    serviceName: resource.serviceName,
    functionName: resource.functionName,
    qualifier,
    ...(versionId !== LATEST && { versionId }),
    runtime: resource.runtime,
    handler: resource.handler,
    command: resource.code === undefined ? [] : [...(hasCommand ? command : [DEFAULT_COMMAND]), ...args],
    hasCommand: resource.code !== undefined && hasCommand,
    environment: sorted(resource.environmentVariables),
    caPort: resource.caPort,
    timeoutMs: resource.timeout * 1000,
    memoryMb: resource.memorySize,
    diskMb: resource.diskSize,
    ...(resource.cpu !== undefined && { cpu: resource.cpu }),
    instanceConcurrency: resource.instanceConcurrency,
    instanceSoftConcurrency: resource.instanceSoftConcurrency ?? resource.instanceConcurrency,
    internetAccess: service.internetAccess,
    ...(dns !== undefined && { dns }),
    ...(hooks !== undefined && { hooks }),
    ...(healthCheck !== undefined && { healthCheck }),
  };
  if (resource.code === undefined) {
    const image = imageOf(resource.customContainerConfig);
    // The id stands for the image; by which reference it was found does not count.
    return { id: revisionId([{ ...image, reference: "" }, content]), codeDir: "", ...content, image };
  }
  // The package's name stands for its bytes; the folder does not count, so that a moved data folder changes no id.
  const id = revisionId([resource.code.sha256, content]);
  return { id, codeDir: context.codeDirOf(resource.code.sha256), ...content };
}

function imageOf({ image: reference, imageId: id, ...texts }: ContainerSetting): ContainerImage {
  const command = textsOf(texts.command);
  const args = textsOf(texts.args);
  return { reference, id, ...(command && { command }), ...(args && { args }) };
}

function revisionId(content: unknown): RevisionId {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16) as RevisionId;
}

/** The order in which variables were sent makes no other revision. */
function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1)));
}
