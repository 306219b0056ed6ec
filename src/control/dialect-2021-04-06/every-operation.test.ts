/** Every method of the official SDK, by reflection, against a running control plane. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { functionKey } from "../../model/model.ts";
import { OPERATIONS } from "../operations/operations.ts";
import { SCHEMAS } from "../operations/schemas.ts";
import { makeCertificate } from "../testing/certificates.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { codeOf } from "../testing/samples.ts";

type Sdk = ControlUnderTest["sdk"];

const WITH_OPTIONS = "WithOptions";

/** Names of the SDK's operations, as its methods have them. */
function methodsOf(sdk: Sdk): string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(sdk))
    .filter((name) => name.endsWith(WITH_OPTIONS))
    .map((name) => name.slice(0, -WITH_OPTIONS.length));
}

/** `createService` is CreateService in the table. */
function rowOf(method: string) {
  const name = `${method.charAt(0).toUpperCase()}${method.slice(1)}`;
  return OPERATIONS["2021-04-06"].find((operation) => operation.name === name);
}

/** The SDK, which notes what was called of it, and compares each answer with the table's schema. */
function noting(sdk: Sdk, called: Set<string>): Sdk {
  return new Proxy(sdk, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<{ body?: unknown }>;
      if (typeof method !== "function" || rowOf(String(name)) === undefined) return method;
      return async (...args: unknown[]) => {
        called.add(String(name));
        const answer = await method.apply(target, args);
        checkSchema(String(name), answer.body);
        return answer;
      };
    },
  });
}

function checkSchema(method: string, body: unknown): void {
  const row = rowOf(method);
  const isModel = typeof body === "object" && body !== null && "toMap" in body;
  if (row?.verdict !== "complete" || row.answer === "none" || row.answer === "bytes" || !isModel) return;
  const { properties } = SCHEMAS[row.answer] as { properties: Record<string, unknown> };
  for (const key of Object.keys((body as { toMap(): object }).toMap())) {
    assert.ok(key in properties, `${method} answers ${key}, of which the OpenAPI description says nothing`);
  }
}

const resourceArn = "services/svc";
const qualified = { qualifier: "prod" };

/** A service with all that it can have. */
async function build(sdk: Sdk, certificate: { certificate: string; privateKey: string }): Promise<void> {
  await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
  await sdk.updateService("svc", new fc.UpdateServiceRequest({ description: "d" }));
  const settings = { functionName: "fn", runtime: "custom.debian12", code: codeOf() };
  await sdk.createFunction("svc", new fc.CreateFunctionRequest(settings));
  await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ instanceConcurrency: 7 }));
  const triggerConfig = JSON.stringify({ authType: "anonymous", methods: ["POST"] });
  const trigger = { triggerName: "t", triggerType: "http", triggerConfig };
  await sdk.createTrigger("svc", "fn", new fc.CreateTriggerRequest(trigger));
  await sdk.updateTrigger("svc", "fn", "t", new fc.UpdateTriggerRequest({ triggerConfig }));
  await sdk.publishServiceVersion("svc", new fc.PublishServiceVersionRequest({}));
  await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
  await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ description: "d" }));
  const certConfig = new fc.CertConfig({ certName: "c", ...certificate });
  const domain = { domainName: "a.example.com", protocol: "HTTPS", certConfig };
  await sdk.createCustomDomain(new fc.CreateCustomDomainRequest(domain));
  await sdk.updateCustomDomain("a.example.com", new fc.UpdateCustomDomainRequest({ protocol: "HTTPS" }));
  const limit = new fc.PutFunctionOnDemandConfigRequest({ ...qualified, maximumInstanceCount: 3 });
  await sdk.putFunctionOnDemandConfig("svc", "fn", limit);
  await sdk.putProvisionConfig("svc", "fn", new fc.PutProvisionConfigRequest({ ...qualified, target: 1 }));
  await sdk.tagResource(new fc.TagResourceRequest({ resourceArn, tags: { a: "b" } }));
}

/** Reads of what was built. */
async function read(sdk: Sdk): Promise<void> {
  const stable = async (name: string, get: () => Promise<{ body: { toMap(): object }; headers: object }>) => {
    const [first, second] = [await get(), await get()];
    assert.deepEqual(first.body.toMap(), second.body.toMap(), `${name} is stable`);
  };
  await stable("GetService", () => sdk.getService("svc", new fc.GetServiceRequest({})));
  await stable("GetFunction", () => sdk.getFunction("svc", "fn", new fc.GetFunctionRequest({})));
  await stable("GetTrigger", () => sdk.getTrigger("svc", "fn", "t"));
  await stable("GetAlias", () => sdk.getAlias("svc", "prod"));
  await stable("GetCustomDomain", () => sdk.getCustomDomain("a.example.com"));
  assert.equal((await sdk.listServices(new fc.ListServicesRequest({}))).body.services?.length, 1);
  assert.equal((await sdk.listFunctions("svc", new fc.ListFunctionsRequest({}))).body.functions?.length, 1);
  assert.equal((await sdk.listTriggers("svc", "fn", new fc.ListTriggersRequest({}))).body.triggers?.length, 1);
  assert.equal((await sdk.listServiceVersions("svc", new fc.ListServiceVersionsRequest({}))).body.versions?.length, 1);
  assert.equal((await sdk.listAliases("svc", new fc.ListAliasesRequest({}))).body.aliases?.length, 1);
  assert.equal((await sdk.listCustomDomains(new fc.ListCustomDomainsRequest({}))).body.customDomains?.length, 1);
  const limit = await sdk.getFunctionOnDemandConfig("svc", "fn", new fc.GetFunctionOnDemandConfigRequest(qualified));
  assert.equal(limit.body.maximumInstanceCount, 3);
  const prefix = new fc.ListOnDemandConfigsRequest({ prefix: "services/svc" });
  assert.equal((await sdk.listOnDemandConfigs(prefix)).body.configs?.length, 1);
  const provision = await sdk.getProvisionConfig("svc", "fn", new fc.GetProvisionConfigRequest(qualified));
  assert.equal(provision.body.target, 1);
  assert.equal(
    (await sdk.listProvisionConfigs(new fc.ListProvisionConfigsRequest({}))).body.provisionConfigs?.length,
    1,
  );
  assert.deepEqual((await sdk.getResourceTags(new fc.GetResourceTagsRequest({ resourceArn }))).body.tags, { a: "b" });
  assert.equal((await sdk.listTaggedResources(new fc.ListTaggedResourcesRequest({}))).body.resources?.length, 1);
  assert.deepEqual((await sdk.getAccountSettings()).body.toMap(), { availableAZs: ["local"], defaultRole: "" });
  assert.ok((await sdk.getFunctionCode("svc", "fn", new fc.GetFunctionCodeRequest({}))).body.url);
}

/** What Sluice does not have, read, deleted, and refused to be written. */
async function missFeatures(sdk: Sdk): Promise<void> {
  const body = async (answer: Promise<{ body: { toMap(): object } }>) => (await answer).body.toMap();
  assert.deepEqual(await body(sdk.listVpcBindings("svc")), { vpcIds: [] });
  assert.deepEqual(await body(sdk.listLayers(new fc.ListLayersRequest({}))), { layers: [] });
  assert.deepEqual(await body(sdk.listLayerVersions("l", new fc.ListLayerVersionsRequest({}))), { layers: [] });
  assert.deepEqual(await body(sdk.listEventSources("svc", "fn", new fc.ListEventSourcesRequest({}))), {
    eventSources: [],
  });
  const configs = sdk.listFunctionAsyncInvokeConfigs("svc", "fn", new fc.ListFunctionAsyncInvokeConfigsRequest({}));
  assert.deepEqual(await body(configs), { configs: [] });
  const capacities = sdk.listReservedCapacities(new fc.ListReservedCapacitiesRequest({}));
  assert.deepEqual(await body(capacities), { reservedCapacities: [] });
  const stateful = sdk.listStatefulAsyncInvocations("svc", "fn", new fc.ListStatefulAsyncInvocationsRequest({}));
  assert.deepEqual(await body(stateful), { invocations: [] });
  const ofFunctions = new fc.ListStatefulAsyncInvocationFunctionsRequest({});
  assert.deepEqual(await body(sdk.listStatefulAsyncInvocationFunctions(ofFunctions)), { data: [] });

  const missing = (answer: Promise<unknown>, code: string) => assert.rejects(answer, { code });
  const unset = new fc.GetFunctionAsyncInvokeConfigRequest({});
  await missing(sdk.getFunctionAsyncInvokeConfig("svc", "fn", unset), "AsyncConfigNotExists");
  await missing(sdk.getLayerVersion("l", "1"), "LayerVersionNotFound");
  const task = new fc.GetStatefulAsyncInvocationRequest({});
  await missing(sdk.getStatefulAsyncInvocation("svc", "fn", "i", task), "StatefulAsyncInvocationNotFound");
  const stop = new fc.StopStatefulAsyncInvocationRequest({});
  await missing(sdk.stopStatefulAsyncInvocation("svc", "fn", "i", stop), "StatefulAsyncInvocationNotFound");

  const gone = async (answer: Promise<{ statusCode: number }>) => assert.equal((await answer).statusCode, 204);
  await gone(sdk.deleteFunctionAsyncInvokeConfig("svc", "fn", new fc.DeleteFunctionAsyncInvokeConfigRequest({})));
  await gone(sdk.deleteLayerVersion("l", "1"));
  await gone(sdk.deleteVpcBinding("svc", "vpc-1"));
  await gone(sdk.releaseGPUInstance("i-1"));
  await gone(sdk.deregisterEventSource("svc", "fn", "acs:mns:a:b:/q", new fc.DeregisterEventSourceRequest({})));

  const refused = (answer: Promise<unknown>, message: RegExp) =>
    assert.rejects(answer, { code: "FeatureNotSupported", statusCode: 400, message });
  await refused(sdk.createLayerVersion("l", new fc.CreateLayerVersionRequest({})), /no layers: put their files/);
  await refused(sdk.putLayerACL("l", new fc.PutLayerACLRequest({})), /no layers/);
  await refused(sdk.createVpcBinding("svc", new fc.CreateVpcBindingRequest({ vpcId: "v" })), /binds no VPCs/);
  await refused(sdk.claimGPUInstance(new fc.ClaimGPUInstanceRequest({})), /no GPU instances/);
  const source = new fc.RegisterEventSourceRequest({ sourceArn: "acs:mns:a:b:/q" });
  await refused(sdk.registerEventSource("svc", "fn", source), /no event sources/);
  const config = new fc.PutFunctionAsyncInvokeConfigRequest({ maxAsyncRetryAttempts: 1 });
  await refused(sdk.putFunctionAsyncInvokeConfig("svc", "fn", config), /no asynchronous invocation/);
}

/** Takes down what was built; a parent goes after its children alone. */
async function takeDown(sdk: Sdk): Promise<void> {
  const busy = (answer: Promise<unknown>, code: string) => assert.rejects(answer, { code });
  await busy(sdk.deleteService("svc"), "ServiceNotEmpty");
  await busy(sdk.deleteFunction("svc", "fn"), "FunctionNotEmpty");
  await busy(sdk.deleteServiceVersion("svc", "1"), "VersionInUse");
  await busy(sdk.deleteAlias("svc", "prod"), "AliasInUse");
  await sdk.untagResource(new fc.UntagResourceRequest({ resourceArn, all: true }));
  await sdk.putProvisionConfig("svc", "fn", new fc.PutProvisionConfigRequest({ ...qualified, target: 0 }));
  const limit = new fc.DeleteFunctionOnDemandConfigRequest(qualified);
  await sdk.deleteFunctionOnDemandConfig("svc", "fn", limit);
  await sdk.deleteCustomDomain("a.example.com");
  await sdk.deleteTrigger("svc", "fn", "t");
  await sdk.deleteAlias("svc", "prod");
  await sdk.deleteServiceVersion("svc", "1");
  await sdk.deleteFunction("svc", "fn");
  await sdk.deleteService("svc");
  await assert.rejects(sdk.getService("svc", new fc.GetServiceRequest({})), { code: "ServiceNotFound" });
}

test("every method of the SDK is in the table, and does what the table says", () =>
  withControl(async (underTest) => {
    const { main } = underTest;
    const methods = methodsOf(underTest.sdk);
    assert.equal(methods.length, 66);
    assert.deepEqual(
      methods.filter((method) => rowOf(method) === undefined),
      [],
    );
    assert.equal(OPERATIONS["2021-04-06"].length, methods.length, "rows that the SDK has no method for");
    const called = new Set<string>();
    const sdk = noting(underTest.sdk, called);
    await build(sdk, await makeCertificate(["a.example.com"]));
    await read(sdk);
    const run = { revisionId: "r" as never, openCalls: 0, startedAt: 0, phase: "ready" as const };
    const instances = [{ ...run, instanceId: "c-1" as never }];
    main.report({ functions: [{ function: functionKey("svc", "fn"), instances }] });
    const ids = new fc.ListInstancesRequest({ instanceIds: ["c-1", "c-2"] });
    const listed = await sdk.listInstances("svc", "fn", ids);
    assert.deepEqual(listed.body.toMap(), { instances: [{ instanceId: "c-1", versionId: "0" }] });
    const invoked = await sdk.invokeFunction("svc", "fn", new fc.InvokeFunctionRequest({ body: Buffer.from("e") }));
    assert.equal(Buffer.from(invoked.body).toString(), "e");
    await missFeatures(sdk);
    await takeDown(sdk);
    assert.deepEqual(
      methods.filter((method) => !called.has(method)),
      [],
      "methods that nothing calls here",
    );
  }));
