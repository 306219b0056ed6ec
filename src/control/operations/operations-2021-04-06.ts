/** Every operation of API 2021-04-06, as the official SDK `fc-open20210406` has them. */
import { commonOperations, FUNCTION, NEXT, QUALIFIER, SERVICE } from "./common.ts";
import { WITHOUT } from "./features.ts";
import { complete, empty, nothingToDelete, type Operation, refused } from "./operation.ts";

const EVENT_SOURCES = `${FUNCTION}/event-sources`;

export const operations20210406: readonly Operation[] = [
  ...commonOperations,

  complete("UntagResource", "PUT", "/tag", "RequestId", { body: "UntagInput" }),

  empty("ListEventSources", EVENT_SOURCES, { eventSources: [] }, QUALIFIER),
  nothingToDelete("DeregisterEventSource", `${EVENT_SOURCES}/{sourceArn}`, QUALIFIER),
  refused("RegisterEventSource", "POST", EVENT_SOURCES, WITHOUT.eventSources, { query: QUALIFIER, body: "AnyInput" }),

  empty("ListVpcBindings", `${SERVICE}/bindings`, { vpcIds: [] }),
  nothingToDelete("DeleteVpcBinding", `${SERVICE}/bindings/{vpcId}`),
  refused("CreateVpcBinding", "POST", `${SERVICE}/bindings`, WITHOUT.vpc, { body: "AnyInput" }),

  empty("ListReservedCapacities", "/reserved-capacities", { reservedCapacities: [] }, NEXT),

  nothingToDelete("ReleaseGPUInstance", "/gpuInstances/{instanceId}"),
  refused("ClaimGPUInstance", "POST", "/gpuInstances", WITHOUT.gpu, { body: "AnyInput" }),
];
