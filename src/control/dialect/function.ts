import type { ContainerSetting, FunctionResource } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";

/** The body of an update, which this API's SDKs send with `InstanceConcurrency` in capitals (creations not). */
export function functionInput(body: Record<string, unknown>): Record<string, unknown> {
  const { InstanceConcurrency: capital, ...others } = body;
  return capital === undefined || capital === null ? others : { ...others, instanceConcurrency: capital };
}

/** A function as this API answers it. The code itself is never answered. */
export function functionDocument(resource: FunctionResource): Record<string, unknown> {
  return {
    functionName: resource.functionName,
    functionId: resource.functionId,
    description: resource.description,
    runtime: resource.runtime,
    handler: resource.handler,
    codeSize: resource.code?.sizeBytes,
    codeChecksum: resource.code?.checksum,
    memorySize: resource.memorySize,
    cpu: resource.cpu,
    diskSize: resource.diskSize,
    timeout: resource.timeout,
    initializer: resource.initializer,
    initializationTimeout: resource.initializationTimeout,
    caPort: resource.caPort,
    instanceConcurrency: resource.instanceConcurrency,
    instanceSoftConcurrency: resource.instanceSoftConcurrency,
    instanceType: resource.instanceType,
    environmentVariables: resource.environmentVariables,
    layers: resource.layers,
    customRuntimeConfig: resource.customRuntimeConfig,
    customContainerConfig: resource.customContainerConfig && containerDocument(resource.customContainerConfig),
    customHealthCheckConfig: resource.customHealthCheckConfig,
    customDNS: resource.customDNS,
    instanceLifecycleConfig: resource.instanceLifecycleConfig,
    createdTime: timeText(resource.createdAt),
    lastModifiedTime: timeText(resource.lastModifiedAt),
  };
}

/** Without the registry's credentials, which nobody gets to see again. */
function containerDocument(container: ContainerSetting): Record<string, unknown> {
  const { image, command, args, accelerationType, instanceID } = container;
  return { image, command, args, accelerationType, instanceID, webServerMode: true };
}
