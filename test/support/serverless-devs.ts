/**
 * What the component `fc` of Serverless Devs (edition 1.0.0) asks of the API for `s deploy` and `s remove -y`, in its order
 * and with its empty placeholders. The component is not on npm; the SDK that it asks by is, and sends what it would.
 */
import assert from "node:assert/strict";
import type { Fc2Answer, Fc2Client } from "@alicloud/fc2";

/** What s.yaml says of one function, with its code as the zip that the tool makes. */
export interface DevsProps {
  readonly service: string;
  readonly function: string;
  readonly zip: Buffer;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly triggerConfig?: Readonly<Record<string, unknown>>;
  readonly customDomain?: { readonly domainName: string } & Readonly<Record<string, unknown>>;
}

/** How everything stands, as the tool reads it before and after. */
export interface DevsState {
  readonly service: Record<string, unknown> | undefined;
  readonly function: Record<string, unknown> | undefined;
  readonly trigger: Record<string, unknown> | undefined;
}

const TRIGGER = "http";
const DEFAULT_TRIGGER_CONFIG = { authType: "anonymous", methods: ["GET", "POST"] };

/** `s deploy -y`. Gives the state after it, whose trigger's urlInternet the tool prints. */
export async function devsDeploy(fc2: Fc2Client, props: DevsProps): Promise<DevsState> {
  await stateOf(fc2, props);
  await makeService(fc2, props);
  await makeFunction(fc2, props);
  await makeTrigger(fc2, props);
  if (props.customDomain !== undefined) await makeDomain(fc2, props.customDomain);
  return stateOf(fc2, props);
}

/** `s remove -y`: everything in the service, also what s.yaml does not name. */
export async function devsRemove(fc2: Fc2Client, props: DevsProps): Promise<void> {
  const { service } = props;
  for (const { resource } of await all(fc2, "/on-demand-configs", "configs", { prefix: `services/${service}` })) {
    const [, name, qualifier = "", functionName] = /^services\/(.+)\.(.+)\/functions\/(.+)$/.exec(resource) ?? [];
    await fc2.deleteOnDemandConfig(name, functionName, qualifier);
  }
  for (const { resource } of await all(fc2, "/provision-configs", "provisionConfigs", { serviceName: service })) {
    const [, name, qualifier, functionName] = resource.split("#");
    await fc2.putProvisionConfig(name, functionName, qualifier, { target: 0 });
  }
  const aliases = await all(fc2, `/services/${service}/aliases`, "aliases");
  const versions = await all(fc2, `/services/${service}/versions`, "versions");
  if (props.customDomain !== undefined) await fc2.deleteCustomDomain(props.customDomain.domainName);
  for (const { functionName } of await all(fc2, `/services/${service}/functions`, "functions")) {
    for (const { triggerName } of await all(
      fc2,
      `/services/${service}/functions/${functionName}/triggers`,
      "triggers",
    )) {
      await fc2.deleteTrigger(service, functionName, triggerName);
    }
    await fc2.deleteFunction(service, functionName);
  }
  for (const { aliasName } of aliases) await fc2.deleteAlias(service, aliasName);
  for (const { versionId } of versions) await fc2.deleteVersion(service, versionId);
  await fc2.deleteService(service);
}

async function makeService(fc2: Fc2Client, { service }: DevsProps): Promise<void> {
  const config = {
    name: service,
    internetAccess: false,
    role: "",
    logConfig: { project: "", logstore: "", logBeginRule: "None", enableRequestMetrics: false },
    nasConfig: { mountPoints: [], userId: -1, groupId: -1 },
    vpcConfig: { vswitchIds: [], securityGroupId: "", vpcId: "" },
    tracingConfig: {},
  };
  try {
    await fc2.createService(service, config);
  } catch (error) {
    if (codeOf(error) !== "ServiceAlreadyExists") throw error;
    await fc2.updateService(service, config);
  }
  assert.deepEqual((await fc2.get(`/services/${service}/bindings`)).data, { vpcIds: [] });
}

async function makeFunction(fc2: Fc2Client, props: DevsProps): Promise<void> {
  const { service, function: name, zip, settings } = props;
  const config = {
    name,
    service,
    filename: "/home/somebody/.s/cache/fc-deploy/code.zip",
    runtime: "custom",
    handler: "index.handler",
    memorySize: 128,
    timeout: 60,
    caPort: 8089,
    instanceConcurrency: 1,
    instanceType: "e1",
    ...settings,
    environmentVariables: {},
    initializer: "",
    layers: [],
    customDNS: { nameServers: null, searches: null, dnsOptions: null },
    instanceLifecycleConfig: { preFreeze: { handler: "" }, preStop: { handler: "" } },
    code: { zipFile: zip.toString("base64") },
  };
  try {
    await fc2.updateFunction(service, name, config);
  } catch (error) {
    if (codeOf(error) !== "FunctionNotFound") throw error;
    await fc2.createFunction(service, { ...config, functionName: name });
  }
  // Anything else than this code makes every later deploy keep the code that is there.
  await assert.rejects(fc2.getFunctionAsyncConfig(service, name, "LATEST"), { code: "AsyncConfigNotExists" });
}

async function makeTrigger(fc2: Fc2Client, props: DevsProps): Promise<void> {
  const { service, function: name, triggerConfig = DEFAULT_TRIGGER_CONFIG } = props;
  const config = { triggerName: TRIGGER, triggerType: "http", sourceArn: null, invocationRole: null, triggerConfig };
  try {
    await fc2.createTrigger(service, name, config);
  } catch (error) {
    if (codeOf(error) !== "TriggerAlreadyExists") throw error;
    await fc2.updateTrigger(service, name, TRIGGER, config);
  }
}

async function makeDomain(fc2: Fc2Client, { domainName, ...options }: { domainName: string }): Promise<void> {
  const known = await unlessMissing(fc2.getCustomDomain(domainName), "DomainNameNotFound");
  if (known === undefined) await fc2.createCustomDomain(domainName, options);
  else await fc2.updateCustomDomain(domainName, options);
}

async function stateOf(fc2: Fc2Client, { service, function: name }: DevsProps): Promise<DevsState> {
  return {
    service: await unlessMissing(fc2.getService(service), "ServiceNotFound"),
    function: await unlessMissing(fc2.getFunction(service, name), "ServiceNotFound", "FunctionNotFound"),
    trigger: await unlessMissing(
      fc2.getTrigger(service, name, TRIGGER),
      ...["ServiceNotFound", "FunctionNotFound", "TriggerNotFound"],
    ),
  };
}

async function unlessMissing(
  answer: Promise<Fc2Answer>,
  ...codes: readonly string[]
): Promise<Record<string, unknown> | undefined> {
  try {
    return (await answer).data;
  } catch (error) {
    if (codes.includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Every page of a list. */
async function all(fc2: Fc2Client, path: string, key: string, query: object = {}): Promise<Fc2Answer["data"][]> {
  const items: Fc2Answer["data"][] = [];
  for (let nextToken: string | undefined; ; ) {
    const { data } = await fc2.get(path, { ...query, ...(nextToken !== undefined && { nextToken }) });
    items.push(...data[key]);
    nextToken = data.nextToken;
    if (nextToken === undefined) return items;
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
