/**
 * The bodies of the API as JSON Schema (draft 2020-12), for its OpenAPI description. Function Compute's names; a field
 * that stands here is one that Sluice reads or answers.
 */

/** A JSON Schema, as data. */
export type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string" };
const number: Schema = { type: "number" };
const integer: Schema = { type: "integer" };
const flag: Schema = { type: "boolean" };
const time: Schema = { type: "string", format: "date-time" };
const listOf = (items: Schema): Schema => ({ type: "array", items });
const mapOf = (each: Schema): Schema => ({ type: "object", additionalProperties: each });
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  ...(required.length > 0 && { required }),
});
const page = (key: string, items: Schema, others: Readonly<Record<string, Schema>> = {}): Schema =>
  object({ [key]: listOf(items), nextToken: text, ...others }, [key]);

const stamps = { createdTime: time, lastModifiedTime: time };

const hook = object({ handler: text, timeout: integer });
const rewriteRules = listOf(object({ match: text, replacement: text }));

const serviceSettings = {
  description: text,
  internetAccess: flag,
  role: text,
  logConfig: object({
    project: text,
    logstore: text,
    enableRequestMetrics: flag,
    enableInstanceMetrics: flag,
    logBeginRule: text,
  }),
  vpcConfig: object({ vpcId: text, vSwitchIds: listOf(text), securityGroupId: text, role: text }),
  nasConfig: object({
    userId: integer,
    groupId: integer,
    mountPoints: listOf(object({ serverAddr: text, mountDir: text, enableTLS: flag })),
  }),
  ossMountConfig: object({
    mountPoints: listOf(object({ bucketName: text, bucketPath: text, endpoint: text, mountDir: text, readOnly: flag })),
  }),
  tracingConfig: object({ type: text, params: mapOf(text) }),
};

const functionSettings = {
  description: text,
  runtime: text,
  handler: text,
  memorySize: integer,
  cpu: number,
  diskSize: integer,
  timeout: integer,
  initializer: text,
  initializationTimeout: integer,
  caPort: integer,
  instanceConcurrency: integer,
  instanceSoftConcurrency: integer,
  instanceType: text,
  environmentVariables: mapOf(text),
  layers: listOf(text),
  customRuntimeConfig: object({ command: listOf(text), args: listOf(text) }),
  customContainerConfig: object({
    image: text,
    command: text,
    args: text,
    accelerationType: text,
    instanceID: text,
    webServerMode: flag,
  }),
  customDNS: object({
    nameServers: listOf(text),
    searches: listOf(text),
    dnsOptions: listOf(object({ name: text, value: text })),
  }),
  customHealthCheckConfig: object({
    httpGetUrl: text,
    initialDelaySeconds: integer,
    periodSeconds: integer,
    timeoutSeconds: integer,
    failureThreshold: integer,
    successThreshold: integer,
  }),
  instanceLifecycleConfig: object({ preFreeze: hook, preStop: hook }),
};

const functionDocument = object({
  functionName: text,
  functionId: text,
  ...functionSettings,
  codeSize: integer,
  codeChecksum: text,
  ...stamps,
});

/** What each dialect writes in its own way is told by `openApi`. */
const triggerConfig: Schema = { $ref: "#/components/schemas/TriggerConfig" };
const triggerConfigObject = object({ authType: text, methods: listOf(text), disableURLInternet: flag });

const aliasSettings = {
  description: text,
  versionId: text,
  additionalVersionWeight: mapOf(number),
  resolvePolicy: text,
};

const routePolicy = object({ condition: text, policyItems: listOf(object({})) });

const domainSettings = {
  protocol: text,
  routeConfig: object({
    routes: listOf(
      object({
        path: text,
        serviceName: text,
        functionName: text,
        qualifier: text,
        methods: listOf(text),
        rewriteConfig: object({ equalRules: rewriteRules, regexRules: rewriteRules, wildcardRules: rewriteRules }),
      }),
    ),
  }),
  tlsConfig: object({ minVersion: text, maxVersion: text, cipherSuites: listOf(text) }),
};

const provisionSettings = {
  target: integer,
  alwaysAllocateCPU: flag,
  scheduledActions: listOf(
    object({ name: text, startTime: time, endTime: time, target: integer, scheduleExpression: text }),
  ),
  targetTrackingPolicies: listOf(
    object({
      name: text,
      startTime: time,
      endTime: time,
      metricType: text,
      metricTarget: number,
      minCapacity: integer,
      maxCapacity: integer,
    }),
  ),
};

const service = object({ serviceName: text, serviceId: text, ...serviceSettings, ...stamps });
const trigger = object({
  triggerName: text,
  triggerId: text,
  triggerType: text,
  triggerConfig,
  description: text,
  qualifier: text,
  sourceArn: text,
  invocationRole: text,
  urlInternet: text,
  urlIntranet: text,
  ...stamps,
});
const version = object({ versionId: text, description: text, ...stamps });
const alias = object({ aliasName: text, ...aliasSettings, ...stamps });
const certificate = { certName: text, certificate: text };
const domain = object({
  domainName: text,
  accountId: text,
  apiVersion: text,
  ...domainSettings,
  certConfig: object(certificate),
  // Sluice's own: what is not well, a sentence each; only API 2021-04-06 answers it.
  warnings: listOf(text),
  ...stamps,
});
const onDemandConfig = object({ resource: text, maximumInstanceCount: integer });
const provisionConfig = object({ resource: text, ...provisionSettings, current: integer, currentError: text });

const resourceTags = object({ resourceArn: text, tags: mapOf(text) });

/** Settings of a trigger, by how a dialect writes them. */
export const TRIGGER_CONFIG = {
  object: triggerConfigObject,
  text: { ...text, contentMediaType: "application/json", contentSchema: triggerConfigObject },
} as const satisfies Readonly<Record<string, Schema>>;

export const SCHEMAS = {
  /** Of what is refused whatever it says. */
  AnyInput: object({}),

  Service: service,
  ServiceList: page("services", service),
  CreateServiceInput: object({ serviceName: text, ...serviceSettings }, ["serviceName"]),
  UpdateServiceInput: object(serviceSettings),

  Function: functionDocument,
  FunctionList: page("functions", functionDocument),
  CreateFunctionInput: object({ functionName: text, ...functionSettings, code: object({ zipFile: text }) }, [
    "functionName",
    "runtime",
  ]),
  UpdateFunctionInput: object({ ...functionSettings, code: object({ zipFile: text }) }),

  Trigger: trigger,
  TriggerList: page("triggers", trigger),
  CreateTriggerInput: object(
    {
      triggerName: text,
      triggerType: text,
      triggerConfig,
      description: text,
      qualifier: text,
      sourceArn: text,
      invocationRole: text,
    },
    ["triggerName", "triggerType", "triggerConfig"],
  ),
  UpdateTriggerInput: object({ triggerConfig, description: text, qualifier: text, invocationRole: text }),

  Version: version,
  VersionList: page("versions", version, { direction: text }),
  PublishVersionInput: object({ description: text }),

  Alias: alias,
  AliasList: page("aliases", alias),
  CreateAliasInput: object({ aliasName: text, ...aliasSettings, routePolicy }, ["aliasName", "versionId"]),
  UpdateAliasInput: object({ ...aliasSettings, routePolicy }),

  CustomDomain: domain,
  CustomDomainList: page("customDomains", domain),
  CreateCustomDomainInput: object(
    { domainName: text, ...domainSettings, certConfig: object({ ...certificate, privateKey: text }) },
    ["domainName"],
  ),
  UpdateCustomDomainInput: object({ ...domainSettings, certConfig: object({ ...certificate, privateKey: text }) }),

  OnDemandConfig: onDemandConfig,
  OnDemandConfigList: page("configs", onDemandConfig),
  OnDemandConfigInput: object({ maximumInstanceCount: integer }, ["maximumInstanceCount"]),

  ProvisionConfig: provisionConfig,
  ProvisionConfigList: page("provisionConfigs", provisionConfig),
  ProvisionConfigInput: object(provisionSettings, ["target"]),

  FunctionCode: object({ url: text, checksum: text }, ["url", "checksum"]),

  TagInput: object({ resourceArn: text, tags: mapOf(text) }, ["resourceArn", "tags"]),
  UntagInput: object({ resourceArn: text, tagKeys: listOf(text), all: flag }, ["resourceArn"]),
  ResourceTags: resourceTags,
  ResourceTagsList: page("resources", resourceTags),
  AccountSettings: object({ availableAZs: listOf(text), defaultRole: text }),

  InstanceList: object({ instances: listOf(object({ instanceId: text, versionId: text })) }, ["instances"]),

  RequestId: object({ requestId: text }, ["requestId"]),

  /** Of every answer from 400 on. */
  Error: object({ Code: text, Message: text, RequestId: text, ErrorCode: text, ErrorMessage: text }, [
    "Code",
    "Message",
    "RequestId",
    "ErrorCode",
    "ErrorMessage",
  ]),
} as const satisfies Readonly<Record<string, Schema>>;

export type SchemaName = keyof typeof SCHEMAS;
