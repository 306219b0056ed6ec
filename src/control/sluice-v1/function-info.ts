/** How a function stands, in the words of `info`. Pure. */
import {
  type CustomDomain,
  type DomainInfo,
  type FunctionEntry,
  type FunctionInfo,
  type FunctionResource,
  type FunctionStatus,
  functionKey,
  LATEST,
  type Trigger,
} from "../../model/model.ts";
import type { QualifiedFunction } from "../data-plane/projection.ts";
import type { EndpointInfo } from "../options.ts";
import { triggerUrl } from "../trigger-url.ts";

export interface FunctionFacts {
  readonly qualified: QualifiedFunction;
  /** Of the resources as they are stored now. */
  readonly entry: FunctionEntry;
  /** The trigger of this qualifier. */
  readonly trigger: Trigger | undefined;
  /** The trigger that says what is asked of callers: this one, or that of LATEST. */
  readonly rule: Trigger | undefined;
  /** Domains with a route to it. */
  readonly domains: readonly DomainInfo[];
  readonly status: FunctionStatus | undefined;
  readonly endpoint: EndpointInfo;
}

export function functionInfo(facts: FunctionFacts): FunctionInfo {
  const { qualified, entry, trigger, status, domains, endpoint } = facts;
  const { resource, versionId } = qualified.main;
  const { customContainerConfig: image } = resource;
  const obstacle = obstacleOf(facts);
  const reason = obstacle ?? concernOf(facts);
  return {
    serviceName: resource.serviceName,
    functionName: resource.functionName,
    qualifier: qualified.qualifier,
    ...(versionId !== LATEST && { versionId }),
    ...(entry.additionalRevisions && {
      additionalVersions: entry.additionalRevisions.map(({ revision, weight }) => ({
        versionId: revision.versionId ?? LATEST,
        weight,
        revisionId: revision.id,
      })),
    }),
    runtime: resource.runtime,
    ...(trigger && { urlInternet: triggerUrl(trigger, endpoint), host: trigger.host }),
    ...(facts.rule && { authType: facts.rule.authType }),
    customDomains: domains.map(({ domainName }) => domainName),
    domains,
    callable: obstacle === undefined,
    ...(reason !== undefined && { reason }),
    instances: status?.instances ?? [],
    ...(entry.maximumInstanceCount !== undefined && { maximumInstanceCount: entry.maximumInstanceCount }),
    ...(status?.restarts && { restarts: status.restarts }),
    ...(status?.provision && { provision: status.provision }),
    revisionId: entry.revision.id,
    revisionNumber: resource.revisionNumber,
    ...(status?.serving && { servingRevisionId: status.serving }),
    ...(status?.next && { next: status.next }),
    ...(status?.lastStartFailure && { lastStartFailure: status.lastStartFailure }),
    ...(resource.code && { codeChecksum: resource.code.checksum, codeSizeBytes: resource.code.sizeBytes }),
    ...(image && { image: { reference: image.image, id: image.imageId } }),
    hasStartCommand: hasStartCommand(resource),
    caPort: resource.caPort,
    timeout: resource.timeout,
    lastModifiedAt: resource.lastModifiedAt,
  };
}

/** Whether the domain leads to the function under this qualifier. */
export function leadsTo(domain: CustomDomain, resource: FunctionResource, qualifier: string): boolean {
  const key = functionKey(resource.serviceName, resource.functionName, qualifier);
  return domain.routes.some((route) => functionKey(route.serviceName, route.functionName, route.qualifier) === key);
}

function hasStartCommand({ code, customRuntimeConfig }: FunctionResource): boolean {
  return code === undefined || code.hasBootstrap || (customRuntimeConfig?.command.length ?? 0) > 0;
}

/** Why a gRPC call, signed where its trigger asks for it, cannot work now. */
function obstacleOf({ qualified, trigger, rule, domains: all, status }: FunctionFacts): string | undefined {
  const domains = all.filter(({ served }) => served);
  const { resource } = qualified.main;
  if (qualified.maximumInstanceCount === 0) {
    return "its on-demand config allows no instance (maximumInstanceCount 0): delete the config, or put a higher one";
  }
  if (rule === undefined || (trigger === undefined && domains.length === 0)) {
    return "it has no http trigger: add one with method POST, and authType anonymous unless calls are to be signed";
  }
  if (!rule.methods.includes("POST")) {
    return `its trigger allows ${rule.methods.join(", ")}, and gRPC needs POST: add POST to its methods`;
  }
  if (trigger?.disableURLInternet && domains.length === 0) {
    return "its trigger's internet URL is disabled, and no custom domain leads to it";
  }
  const failure = status?.lastStartFailure;
  if (failure !== undefined) return `its last start failed: ${failure.errorType}: ${failure.message}`;
  if (!hasStartCommand(resource) && status?.serving === undefined) {
    return "its package has no bootstrap at the root, and no customRuntimeConfig.command is set: it cannot start";
  }
  return undefined;
}

/** What is not well although calls work. */
function concernOf({ qualified, status }: FunctionFacts): string | undefined {
  const next = status?.next;
  if (next?.state !== "failed") return undefined;
  const { resource, versionId } = qualified.main;
  const number = resource.revisionNumber;
  const cause = next.reason === undefined ? "" : `: ${next.reason}`;
  if (versionId !== LATEST) return `version ${versionId} failed to start, what was there before it serves${cause}`;
  return `revision ${number} failed to start, ${number - 1} serves${cause}`;
}
