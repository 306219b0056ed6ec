/** How a function stands, in the words of `info`. Pure. */
import {
  type CustomDomain,
  type FunctionInfo,
  type FunctionResource,
  type FunctionStatus,
  functionKey,
  type RevisionId,
  type Trigger,
} from "../../model/model.ts";
import type { EndpointInfo } from "../options.ts";
import { triggerUrl } from "../trigger-url.ts";

export interface FunctionFacts {
  readonly resource: FunctionResource;
  /** Of the resource as it is stored now. */
  readonly revisionId: RevisionId;
  readonly trigger: Trigger | undefined;
  /** Domains with a route to it. */
  readonly domains: readonly CustomDomain[];
  readonly status: FunctionStatus | undefined;
  readonly endpoint: EndpointInfo;
}

export function functionInfo(facts: FunctionFacts): FunctionInfo {
  const { resource, trigger, status, domains, endpoint, revisionId } = facts;
  const obstacle = obstacleOf(facts);
  const reason = obstacle ?? concernOf(facts);
  return {
    serviceName: resource.serviceName,
    functionName: resource.functionName,
    runtime: resource.runtime,
    ...(trigger && { urlInternet: triggerUrl(trigger, endpoint), host: trigger.host, authType: trigger.authType }),
    customDomains: domains.map(({ domainName }) => domainName),
    callable: obstacle === undefined,
    ...(reason !== undefined && { reason }),
    instances: status?.instances ?? [],
    revisionId,
    revisionNumber: resource.revisionNumber,
    ...(status?.serving && { servingRevisionId: status.serving }),
    ...(status?.next && { next: status.next }),
    ...(status?.lastStartFailure && { lastStartFailure: status.lastStartFailure }),
    codeChecksum: resource.code.checksum,
    codeSizeBytes: resource.code.sizeBytes,
    hasStartCommand: hasStartCommand(resource),
    caPort: resource.caPort,
    timeout: resource.timeout,
    lastModifiedAt: resource.lastModifiedAt,
  };
}

/** Whether the domain leads to the function. */
export function leadsTo(domain: CustomDomain, resource: FunctionResource): boolean {
  const key = functionKey(resource.serviceName, resource.functionName);
  return domain.routes.some((route) => functionKey(route.serviceName, route.functionName) === key);
}

function hasStartCommand({ code, customRuntimeConfig }: FunctionResource): boolean {
  return code.hasBootstrap || (customRuntimeConfig?.command.length ?? 0) > 0;
}

/** Why an unsigned gRPC call cannot work now. */
function obstacleOf({ resource, trigger, domains, status }: FunctionFacts): string | undefined {
  if (trigger === undefined) return "it has no http trigger: add one with authType anonymous and method POST";
  if (!trigger.methods.includes("POST")) {
    return `its trigger allows ${trigger.methods.join(", ")}, and gRPC needs POST: add POST to its methods`;
  }
  if (trigger.authType === "function") {
    return "its trigger asks for signed calls (authType function), which this version of Sluice refuses: set authType anonymous";
  }
  if (trigger.disableURLInternet && domains.length === 0) {
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
function concernOf({ resource, status }: FunctionFacts): string | undefined {
  const next = status?.next;
  if (next?.state !== "failed") return undefined;
  const number = resource.revisionNumber;
  const cause = next.reason === undefined ? "" : `: ${next.reason}`;
  return `revision ${number} failed to start, ${number - 1} serves${cause}`;
}
