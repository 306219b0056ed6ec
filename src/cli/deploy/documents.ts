/** From a checked plan to the API's documents. A key that s.yaml leaves out gets its default: the file says it all. */
import type { CustomDomainDocument, FunctionDocument, ServiceDocument, TriggerDocument } from "../../client/client.ts";
import { type Place, YamlError } from "../s-yaml/node.ts";
import { readCertificate } from "./certificate.ts";
import { containerDocument } from "./container-shape.ts";
import type { ServicePlan } from "./plan.ts";
import type { DomainProps, TriggerProps } from "./shapes.ts";

/** Of a trigger that names none (Function Compute's default). */
const DEFAULT_METHODS = ["GET", "POST", "PUT", "DELETE"];

export function serviceDocument({ service }: ServicePlan): ServiceDocument {
  return {
    serviceName: service.name,
    description: service.description ?? "",
    internetAccess: service.internetAccess ?? true,
  };
}

/** The function's document without its code. Defaults are those of design and Function Compute's console. */
export function functionDocument({ function: props }: ServicePlan): FunctionDocument {
  const { instanceConcurrency = 1, customHealthCheckConfig: check } = props;
  return {
    functionName: props.name,
    description: props.description ?? "",
    runtime: props.runtime,
    handler: props.handler ?? "index.handler",
    memorySize: props.memorySize ?? 512,
    diskSize: props.diskSize ?? 512,
    timeout: props.timeout ?? 60,
    initializer: props.initializer ?? "",
    initializationTimeout: props.initializationTimeout ?? 3,
    instanceLifecycleConfig: {
      preFreeze: hookDocument(props.instanceLifecycleConfig?.preFreeze),
      preStop: hookDocument(props.instanceLifecycleConfig?.preStop),
    },
    customHealthCheckConfig: {
      httpGetUrl: check?.httpGetUrl ?? "",
      initialDelaySeconds: check?.initialDelaySeconds ?? 0,
      periodSeconds: check?.periodSeconds ?? 3,
      timeoutSeconds: check?.timeoutSeconds ?? 1,
      failureThreshold: check?.failureThreshold ?? 3,
      successThreshold: check?.successThreshold ?? 1,
    },
    caPort: props.caPort ?? 9000,
    instanceConcurrency,
    instanceSoftConcurrency: props.instanceSoftConcurrency ?? instanceConcurrency,
    environmentVariables: props.environmentVariables ?? {},
    customDNS: {
      nameServers: props.customDNS?.nameServers ?? [],
      searches: props.customDNS?.searches ?? [],
      dnsOptions: (props.customDNS?.dnsOptions ?? []).map(({ name, value = "" }) => ({ name, value })),
    },
    customRuntimeConfig: {
      command: props.customRuntimeConfig?.command ?? [],
      args: props.customRuntimeConfig?.args ?? [],
    },
    ...(props.customContainerConfig && { customContainerConfig: containerDocument(props.customContainerConfig) }),
    ...(props.cpu !== undefined && { cpu: props.cpu }),
  };
}

/** A hook that s.yaml does not have is switched off. */
function hookDocument(hook: { handler: string | undefined; timeout: number | undefined } | undefined) {
  return { handler: hook?.handler ?? "", timeout: hook?.timeout ?? 3 };
}

export function triggerDocument(props: TriggerProps): TriggerDocument {
  const { authType = "function", methods = DEFAULT_METHODS, disableURLInternet = false } = props.config;
  return {
    triggerName: props.name,
    triggerType: props.type,
    description: props.description ?? "",
    qualifier: props.qualifier ?? "LATEST",
    triggerConfig: JSON.stringify({ authType, methods, disableURLInternet }),
  };
}

/** Routes without service or function lead to the plan's own. Reads the certificate's files. */
export function customDomainDocument(
  props: DomainProps,
  place: Place,
  plan: ServicePlan,
  folder: string,
): CustomDomainDocument {
  return {
    domainName: props.domainName,
    protocol: props.protocol,
    routeConfig: {
      routes: props.routeConfigs.map(({ path, serviceName, functionName, qualifier, methods, rewriteConfig }) => ({
        path,
        serviceName: serviceName ?? plan.service.name,
        functionName: functionName ?? plan.function.name,
        ...(qualifier !== undefined && { qualifier }),
        ...(methods !== undefined && { methods }),
        ...(rewriteConfig !== undefined && { rewriteConfig: rewriteDocument(rewriteConfig) }),
      })),
    },
    certConfig: certConfigDocument(props, place, folder),
  };
}

function rewriteDocument(rewrite: NonNullable<DomainProps["routeConfigs"][number]["rewriteConfig"]>) {
  const { equalRules = [], wildcardRules = [], regexRules = [] } = rewrite;
  return { equalRules, wildcardRules, regexRules };
}

/** Without certConfig: the local CA's. With a certName alone, `acme` or `local`, from there. */
function certConfigDocument({ domainName, certConfig }: DomainProps, place: Place, folder: string) {
  if (certConfig === undefined) return { certName: "local" };
  const { certName = domainName, certificate, privateKey } = certConfig;
  if (certificate === undefined && privateKey === undefined) {
    if (certName === "acme" || certName === "local") return { certName };
    throw new YamlError(
      place,
      `certConfig: expected certificate and privateKey, or certName acme or local alone, got certName ${certName}`,
    );
  }
  if (certificate === undefined || privateKey === undefined) {
    const missing = certificate === undefined ? "certificate" : "privateKey";
    throw new YamlError(place, `certConfig.${missing}: expected PEM text or a file with it, got nothing`);
  }
  return { certName, ...readCertificate({ certificate, privateKey }, folder, place) };
}
