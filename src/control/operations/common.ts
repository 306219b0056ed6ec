/** The operations that both dialects have at the same paths. */
import { WITHOUT } from "./features.ts";
import { complete, empty, missing, nothingToDelete, type Operation, refused } from "./operation.ts";

export const SERVICE = "/services/{serviceName}";
export const FUNCTION = `${SERVICE}/functions/{functionName}`;
const TRIGGER = `${FUNCTION}/triggers/{triggerName}`;
const ALIAS = `${SERVICE}/aliases/{aliasName}`;
const DOMAIN = "/custom-domains/{domainName}";
const LAYER_VERSION = "/layers/{layerName}/versions/{version}";

const IF_MATCH = ["If-Match"];
const CHECKSUM = "X-Fc-Code-Checksum";
export const PAGE = ["limit", "nextToken", "prefix", "startKey"];
export const NEXT = ["limit", "nextToken"];
export const QUALIFIER = ["qualifier"];

const services: readonly Operation[] = [
  complete("CreateService", "POST", "/services", "Service", { body: "CreateServiceInput" }),
  complete("GetService", "GET", SERVICE, "Service", { query: QUALIFIER }),
  complete("ListServices", "GET", "/services", "ServiceList", { query: PAGE }),
  complete("UpdateService", "PUT", SERVICE, "Service", { headers: IF_MATCH, body: "UpdateServiceInput" }),
  complete("DeleteService", "DELETE", SERVICE, "none", { headers: IF_MATCH }),
];

const functions: readonly Operation[] = [
  complete("CreateFunction", "POST", `${SERVICE}/functions`, "Function", {
    headers: [CHECKSUM],
    body: "CreateFunctionInput",
  }),
  complete("GetFunction", "GET", FUNCTION, "Function", { query: QUALIFIER }),
  complete("ListFunctions", "GET", `${SERVICE}/functions`, "FunctionList", { query: [...PAGE, "qualifier"] }),
  complete("UpdateFunction", "PUT", FUNCTION, "Function", {
    headers: [...IF_MATCH, CHECKSUM],
    body: "UpdateFunctionInput",
  }),
  complete("GetFunctionCode", "GET", `${FUNCTION}/code`, "FunctionCode", { query: QUALIFIER }),
  complete("DeleteFunction", "DELETE", FUNCTION, "none", { headers: IF_MATCH }),
];

const triggers: readonly Operation[] = [
  complete("CreateTrigger", "POST", `${FUNCTION}/triggers`, "Trigger", { body: "CreateTriggerInput" }),
  complete("GetTrigger", "GET", TRIGGER, "Trigger"),
  complete("ListTriggers", "GET", `${FUNCTION}/triggers`, "TriggerList", { query: PAGE }),
  complete("UpdateTrigger", "PUT", TRIGGER, "Trigger", { headers: IF_MATCH, body: "UpdateTriggerInput" }),
  complete("DeleteTrigger", "DELETE", TRIGGER, "none", { headers: IF_MATCH }),
];

const versions: readonly Operation[] = [
  complete("PublishServiceVersion", "POST", `${SERVICE}/versions`, "Version", {
    headers: IF_MATCH,
    body: "PublishVersionInput",
  }),
  complete("ListServiceVersions", "GET", `${SERVICE}/versions`, "VersionList", {
    query: ["direction", "limit", "nextToken", "startKey"],
  }),
  complete("DeleteServiceVersion", "DELETE", `${SERVICE}/versions/{versionId}`, "none"),
  complete("CreateAlias", "POST", `${SERVICE}/aliases`, "Alias", { body: "CreateAliasInput" }),
  complete("GetAlias", "GET", ALIAS, "Alias"),
  complete("ListAliases", "GET", `${SERVICE}/aliases`, "AliasList", { query: PAGE }),
  complete("UpdateAlias", "PUT", ALIAS, "Alias", { headers: IF_MATCH, body: "UpdateAliasInput" }),
  complete("DeleteAlias", "DELETE", ALIAS, "none", { headers: IF_MATCH }),
];

const domains: readonly Operation[] = [
  complete("CreateCustomDomain", "POST", "/custom-domains", "CustomDomain", { body: "CreateCustomDomainInput" }),
  complete("GetCustomDomain", "GET", DOMAIN, "CustomDomain"),
  complete("ListCustomDomains", "GET", "/custom-domains", "CustomDomainList", { query: PAGE }),
  complete("UpdateCustomDomain", "PUT", DOMAIN, "CustomDomain", { body: "UpdateCustomDomainInput" }),
  complete("DeleteCustomDomain", "DELETE", DOMAIN, "none"),
];

const instances: readonly Operation[] = [
  complete("PutFunctionOnDemandConfig", "PUT", `${FUNCTION}/on-demand-config`, "OnDemandConfig", {
    query: QUALIFIER,
    headers: IF_MATCH,
    body: "OnDemandConfigInput",
  }),
  complete("GetFunctionOnDemandConfig", "GET", `${FUNCTION}/on-demand-config`, "OnDemandConfig", { query: QUALIFIER }),
  complete("ListOnDemandConfigs", "GET", "/on-demand-configs", "OnDemandConfigList", { query: PAGE }),
  complete("DeleteFunctionOnDemandConfig", "DELETE", `${FUNCTION}/on-demand-config`, "none", {
    query: QUALIFIER,
    headers: IF_MATCH,
  }),
  complete("PutProvisionConfig", "PUT", `${FUNCTION}/provision-config`, "ProvisionConfig", {
    query: QUALIFIER,
    body: "ProvisionConfigInput",
  }),
  complete("GetProvisionConfig", "GET", `${FUNCTION}/provision-config`, "ProvisionConfig", { query: QUALIFIER }),
  complete("ListProvisionConfigs", "GET", "/provision-configs", "ProvisionConfigList", {
    query: [...NEXT, "qualifier", "serviceName"],
  }),
  complete("ListInstances", "GET", `${FUNCTION}/instances`, "InstanceList", {
    query: ["instanceIds", "limit", "qualifier"],
  }),
];

const layers: readonly Operation[] = [
  empty("ListLayers", "/layers", { layers: [] }, [...PAGE, "official", "public"]),
  empty("ListLayerVersions", "/layers/{layerName}/versions", { layers: [] }, ["limit", "startVersion"]),
  missing("GetLayerVersion", "GET", LAYER_VERSION, {
    code: "LayerVersionNotFound",
    what: "version '{version}' of layer '{layerName}'",
  }),
  nothingToDelete("DeleteLayerVersion", LAYER_VERSION),
  refused("CreateLayerVersion", "POST", "/layers/{layerName}/versions", WITHOUT.layers, { body: "AnyInput" }),
  refused("PutLayerACL", "PUT", "/layers/{layerName}/acl", WITHOUT.layers, { query: ["public"] }),
];

const asyncInvocation: readonly Operation[] = [
  missing(
    "GetFunctionAsyncInvokeConfig",
    "GET",
    `${FUNCTION}/async-invoke-config`,
    { code: "AsyncConfigNotExists", what: "the async invoke config of function '{functionName}'" },
    QUALIFIER,
  ),
  empty("ListFunctionAsyncInvokeConfigs", `${FUNCTION}/async-invoke-configs`, { configs: [] }, NEXT),
  nothingToDelete("DeleteFunctionAsyncInvokeConfig", `${FUNCTION}/async-invoke-config`, QUALIFIER),
  refused("PutFunctionAsyncInvokeConfig", "PUT", `${FUNCTION}/async-invoke-config`, WITHOUT.asyncInvocation, {
    query: QUALIFIER,
    body: "AnyInput",
  }),
];

const STATEFUL = `${FUNCTION}/stateful-async-invocations`;
const invocation = {
  code: "StatefulAsyncInvocationNotFound",
  what: "stateful async invocation '{invocationId}' of function '{functionName}'",
} as const;

/** fc2 has none of these, the SDK of 2016-08-15 for Java has. */
const statefulInvocations: readonly Operation[] = [
  empty("ListStatefulAsyncInvocations", STATEFUL, { invocations: [] }, [
    ...["includePayload", "invocationIdPrefix", "limit", "nextToken", "qualifier"],
    ...["sortOrderByTime", "startedTimeBegin", "startedTimeEnd", "status"],
  ]),
  empty("ListStatefulAsyncInvocationFunctions", "/stateful-async-invocation-functions", { data: [] }, NEXT),
  missing("GetStatefulAsyncInvocation", "GET", `${STATEFUL}/{invocationId}`, invocation, QUALIFIER),
  missing("StopStatefulAsyncInvocation", "PUT", `${STATEFUL}/{invocationId}`, invocation, QUALIFIER),
];

const tags: readonly Operation[] = [
  complete("TagResource", "POST", "/tag", "RequestId", { body: "TagInput" }),
  complete("GetResourceTags", "GET", "/tag", "ResourceTags", { query: ["resourceArn"] }),
  complete("ListTaggedResources", "GET", "/tags", "ResourceTagsList", { query: NEXT }),
  complete("GetAccountSettings", "GET", "/account-settings", "AccountSettings"),
];

const invocations: readonly Operation[] = [
  complete("InvokeFunction", "POST", `${FUNCTION}/invocations`, "bytes", {
    query: QUALIFIER,
    headers: ["X-Fc-Invocation-Type", "X-Fc-Log-Type"],
  }),
];

export const commonOperations: readonly Operation[] = [
  ...services,
  ...functions,
  ...triggers,
  ...versions,
  ...domains,
  ...instances,
  ...invocations,
  ...tags,
  ...layers,
  ...asyncInvocation,
  ...statefulInvocations,
];
