/** Every operation of API 2021-04-06, as the official SDK `fc-open20210406` has them. */
import { commonOperations, FUNCTION, NEXT, QUALIFIER, SERVICE } from "./common.ts";
import { WITHOUT } from "./features.ts";
import { empty, missing, nothingToDelete, type Operation, refused } from "./operation.ts";

const STATEFUL = `${FUNCTION}/stateful-async-invocations`;
const EVENT_SOURCES = `${FUNCTION}/event-sources`;

const invocation = {
  code: "StatefulAsyncInvocationNotFound",
  what: "stateful async invocation '{invocationId}' of function '{functionName}'",
} as const;

export const operations20210406: readonly Operation[] = [
  ...commonOperations,

  empty("ListStatefulAsyncInvocations", STATEFUL, { invocations: [] }, [
    ...["includePayload", "invocationIdPrefix", "limit", "nextToken", "qualifier"],
    ...["sortOrderByTime", "startedTimeBegin", "startedTimeEnd", "status"],
  ]),
  empty("ListStatefulAsyncInvocationFunctions", "/stateful-async-invocation-functions", { data: [] }, NEXT),
  missing("GetStatefulAsyncInvocation", "GET", `${STATEFUL}/{invocationId}`, invocation, QUALIFIER),
  missing("StopStatefulAsyncInvocation", "PUT", `${STATEFUL}/{invocationId}`, invocation, QUALIFIER),

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
