/** Every method of the SDK `fc2`, which the components of Serverless Devs call, against one running control plane. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import Fc2 from "@alicloud/fc2";
import { functionKey, type InstanceId, type RevisionId } from "../../model/model.ts";
import { makeCertificate } from "../testing/certificates.ts";
import { type ControlUnderTest, credentials, withControl } from "../testing/control-under-test.ts";
import { type Fc2Client, fc2Client } from "../testing/fc2-client.ts";
import { zipOf } from "../testing/samples.ts";

const SERVICE_ARN = `acs:fc:local:${credentials.accountId}:services/svc`;

/** What the class has beside its operations: what these are made of, and uploads to OSS that need a token first. */
const NO_OPERATIONS = [
  ...["constructor", "buildHeaders", "request", "get", "post", "put", "delete", "websocket"],
  ...["largeFunctionHelper", "uploadCodeToTmpOssBucket", "normalizeParams"],
];

/** A client, and the names of the methods that were called on it. */
function recorded(client: Fc2Client): { readonly fc2: Fc2Client; readonly called: ReadonlySet<string> } {
  const called = new Set<string>();
  const fc2 = new Proxy(client, {
    get(target, name, receiver) {
      called.add(String(name));
      return Reflect.get(target, name, receiver);
    },
  });
  return { fc2, called };
}

const functionOptions = (content: string, more: object = {}) => ({
  functionName: "fn",
  runtime: "custom",
  handler: "index.handler",
  code: { zipFile: zipOf(content) },
  ...more,
});

async function services(fc2: Fc2Client): Promise<void> {
  const created = await fc2.createService("svc", { description: "first" });
  assert.equal(created.data.serviceName, "svc");
  assert.ok(created.headers["x-fc-request-id"]);
  await assert.rejects(fc2.createService("svc"), {
    code: "ServiceAlreadyExists",
    name: "FCServiceAlreadyExistsError",
    message: /failed with 409\. requestid: [\w-]{30,}, message: service 'svc' already exists/,
  });
  assert.equal((await fc2.updateService("svc", { role: "" })).data.description, "first", "a PUT is partial");
  const { headers, data } = await fc2.getService("svc");
  assert.deepEqual([data.description, data.role, data.internetAccess], ["first", "", true]);
  await assert.rejects(fc2.updateService("svc", {}, { "if-match": "no" }), { code: "PreconditionFailed" });
  await fc2.updateService("svc", {}, { "if-match": headers["etag"] });
  assert.deepEqual(names((await fc2.listServices({ prefix: "s", limit: 10 })).data.services, "serviceName"), ["svc"]);
  await assert.rejects(fc2.getService("none"), { code: "ServiceNotFound" });
}

async function functions(fc2: Fc2Client): Promise<void> {
  await assert.rejects(fc2.updateFunction("svc", "fn", functionOptions("1")), { code: "FunctionNotFound" });
  const created = await fc2.createFunction("svc", functionOptions("1", { description: "first", timeout: "60" }));
  assert.deepEqual([created.data.timeout, created.data.caPort], [60, 9000]);
  assert.equal(created.data.code, undefined);
  const updated = await fc2.updateFunction("svc", "fn", { memorySize: 1024 });
  assert.deepEqual([updated.data.memorySize, updated.data.description], [1024, "first"], "a PUT is partial");
  assert.equal(updated.data.codeChecksum, created.data.codeChecksum);
  const changed = await fc2.updateFunction("svc", "fn", functionOptions("2"));
  assert.notEqual(changed.data.codeChecksum, created.data.codeChecksum);
  assert.deepEqual((await fc2.getFunction("svc", "fn")).data, changed.data);
  assert.deepEqual(names((await fc2.listFunctions("svc")).data.functions, "functionName"), ["fn"]);
  const wrong = { "x-fc-code-checksum": "1" };
  await assert.rejects(fc2.updateFunction("svc", "fn", functionOptions("3"), wrong), { message: /checksum/i });
}

async function triggers(fc2: Fc2Client): Promise<void> {
  const triggerConfig = { authType: "anonymous", methods: ["POST"] };
  const options = { triggerName: "http", triggerType: "http", triggerConfig, sourceArn: "", invocationRole: "" };
  const { data } = await fc2.createTrigger("svc", "fn", options);
  assert.deepEqual(data.triggerConfig, { ...triggerConfig, disableURLInternet: false });
  assert.match(data.urlInternet, /^https:\/\/fn-svc-[a-z]{10}\.local\./);
  await assert.rejects(fc2.createTrigger("svc", "fn", options), { code: "TriggerAlreadyExists" });
  const updated = await fc2.updateTrigger("svc", "fn", "http", { ...options, description: "changed" });
  assert.deepEqual([updated.data.description, updated.data.urlInternet], ["changed", data.urlInternet]);
  assert.deepEqual((await fc2.getTrigger("svc", "fn", "http")).data, updated.data);
  assert.deepEqual((await fc2.listTriggers("svc", "fn")).data.triggers, [updated.data]);
}

async function versionsAndAliases(fc2: Fc2Client): Promise<void> {
  assert.equal((await fc2.publishVersion("svc", "one")).data.versionId, "1");
  assert.equal((await fc2.publishVersion("svc", "two")).data.versionId, "2");
  assert.equal((await fc2.createAlias("svc", "prod", "1")).data.versionId, "1");
  const options = { additionalVersionWeight: { "1": 0.25 } };
  assert.deepEqual((await fc2.updateAlias("svc", "prod", "2", options)).data.additionalVersionWeight, { "1": 0.25 });
  assert.equal((await fc2.getAlias("svc", "prod")).data.versionId, "2");
  assert.deepEqual(names((await fc2.listAliases("svc")).data.aliases, "aliasName"), ["prod"]);
  const { versions, direction } = (await fc2.listVersions("svc")).data;
  assert.deepEqual([names(versions, "versionId"), direction], [["2", "1"], "BACKWARD"]);
  await fc2.updateFunction("svc", "fn", { description: "later" });
  const descriptionOf = async (qualifier?: string) =>
    (await fc2.getFunction("svc", "fn", {}, qualifier)).data.description;
  assert.deepEqual(await Promise.all([undefined, "LATEST", "2", "prod"].map(descriptionOf)), [
    ...["later", "later", "first", "first"],
  ]);
  assert.equal((await fc2.getService("svc", {}, "prod")).data.description, "first");
  assert.equal((await fc2.listFunctions("svc", {}, {}, "prod")).data.functions[0].description, "first");
}

async function instances({ main }: ControlUnderTest, fc2: Fc2Client): Promise<void> {
  const resource = `${credentials.accountId}#svc#prod#fn`;
  const put = await fc2.putProvisionConfig("svc", "fn", "prod", { target: 2 });
  assert.deepEqual([put.data.resource, put.data.target, put.data.current], [resource, 2, 0]);
  assert.deepEqual((await fc2.getProvisionConfig("svc", "fn", "prod")).data, put.data);
  assert.deepEqual((await fc2.listProvisionConfigs({ serviceName: "svc" })).data.provisionConfigs, [put.data]);
  await fc2.putProvisionConfig("svc", "fn", "prod", { target: 0 });
  await assert.rejects(fc2.putProvisionConfig("svc", "fn", "1", { target: 1 }), { code: "InvalidArgument" });

  await assert.rejects(fc2.getOnDemandConfig("svc", "fn", "LATEST"), { code: "OnDemandConfigNotFound" });
  const limit = await fc2.putOnDemandConfig("svc", "fn", "LATEST", { maximumInstanceCount: 3 });
  assert.deepEqual(limit.data, { resource: "services/svc.LATEST/functions/fn", maximumInstanceCount: 3 });
  assert.deepEqual((await fc2.getOnDemandConfig("svc", "fn", "LATEST")).data, limit.data);
  assert.deepEqual((await fc2.listOnDemandConfigs({ prefix: "services/svc" })).data.configs, [limit.data]);
  await fc2.deleteOnDemandConfig("svc", "fn", "LATEST");
  assert.deepEqual((await fc2.listOnDemandConfigs()).data.configs, []);

  assert.deepEqual((await fc2.listInstances("svc", "fn", "LATEST")).data, { instances: [] });
  const instance = { instanceId: "c-1" as InstanceId, revisionId: "r" as RevisionId, openCalls: 0, startedAt: 0 };
  const status = { function: functionKey("svc", "fn"), instances: [{ ...instance, phase: "ready" as const }] };
  main.report({ functions: [status] });
  assert.deepEqual((await fc2.listInstances("svc", "fn", "")).data.instances, [{ instanceId: "c-1", versionId: "0" }]);
}

async function invocations({ main }: ControlUnderTest, fc2: Fc2Client): Promise<void> {
  const event = Buffer.from([0, 255, 254, 10]);
  const { data, headers } = await fc2.invokeFunction("svc", "fn", event, {}, "prod", { rawBuf: true });
  assert.ok(event.equals(data));
  assert.ok(headers["x-fc-invocation-duration"] && headers["x-fc-code-checksum"]);
  assert.equal(main.invoked.at(-1)?.function, "svc.prod/fn");
  assert.equal(main.invoked.at(-1)?.requestId, headers["x-fc-request-id"]);
  assert.equal((await fc2.invokeFunction("svc", "fn", "text", { "x-fc-invocation-type": "Sync" })).data, "text");
  assert.equal((await fc2.invokeFunction("svc", "fn")).data, "", "without an event");
  assert.equal(main.invoked.at(-1)?.function, "svc/fn");
  await assert.rejects(fc2.invokeFunction("svc", "fn", "x", { "x-fc-invocation-type": "Async" }), {
    code: "FeatureNotSupported",
  });
  await assert.rejects(fc2.invokeFunction("svc", "none", "x"), { code: "FunctionNotFound" });
}

async function tagsAndCode(fc2: Fc2Client): Promise<void> {
  const { data, headers } = await fc2.tagResource(SERVICE_ARN, { team: "a", stage: "test" });
  assert.deepEqual(data, { requestId: headers["x-fc-request-id"] }, "the SDK for Python parses what it gets");
  assert.deepEqual((await fc2.getResourceTags({ resourceArn: SERVICE_ARN })).data.tags, { team: "a", stage: "test" });
  const tagged = async (tags: object) => names((await fc2.listServices({ tags })).data.services, "serviceName");
  assert.deepEqual([await tagged({ team: "a", stage: "test" }), await tagged({ team: "b" })], [["svc"], []]);
  await fc2.untagResource(SERVICE_ARN, ["team"]);
  assert.deepEqual((await fc2.getResourceTags({ resourceArn: SERVICE_ARN })).data.tags, { stage: "test" });
  await fc2.untagResource(SERVICE_ARN, [], true);
  assert.deepEqual((await fc2.getResourceTags({ resourceArn: SERVICE_ARN })).data.tags, {});
  const { data: settings } = await fc2.getAccountSettings();
  assert.ok(Array.isArray(settings.availableAZs));

  for (const qualifier of ["LATEST", "prod"]) {
    const { data } = await fc2.getFunctionCode("svc", "fn", {}, qualifier);
    const zip = Buffer.from(await (await fetch(data.url)).arrayBuffer());
    assert.equal(zip.toString("base64"), zipOf("2"), qualifier);
    assert.equal(data.checksum, (await fc2.getFunction("svc", "fn")).data.codeChecksum);
  }
}

/** What Sluice does not have: reads are empty, deletions succeed, writes are refused. */
async function absent(fc2: Fc2Client): Promise<void> {
  const refused = (what: RegExp) => ({ code: "FeatureNotSupported", message: what });
  await assert.rejects(fc2.getFunctionAsyncConfig("svc", "fn", "LATEST"), { code: "AsyncConfigNotExists" });
  assert.deepEqual((await fc2.listFunctionAsyncConfigs("svc", "fn")).data, { configs: [] });
  assert.equal((await fc2.deleteFunctionAsyncConfig("svc", "fn", "prod")).data, "");
  const asynchronous = fc2.putFunctionAsyncConfig("svc", "fn", "LATEST", { maxAsyncRetryAttempts: 1 });
  await assert.rejects(asynchronous, refused(/no asynchronous invocation/));

  assert.deepEqual((await fc2.listLayers()).data, { layers: [] });
  assert.deepEqual((await fc2.listLayerVersions("l")).data, { layers: [] });
  await assert.rejects(fc2.getLayerVersion("l", 1), { code: "LayerVersionNotFound" });
  await assert.rejects(fc2.getLayerVersionByArn(`${SERVICE_ARN}#l#1`), { code: "LayerVersionNotFound" });
  assert.equal((await fc2.deleteLayerVersion("l", 1)).data, "");
  await assert.rejects(fc2.publishLayerVersion("l", { code: { zipFile: "" } }), refused(/no layers/));
  await assert.rejects(fc2.putLayerACL("l", { public: "true" }), refused(/no layers/));

  assert.deepEqual((await fc2.listReservedCapacities()).data, { reservedCapacities: [] });
  assert.deepEqual((await fc2.get("/services/svc/bindings")).data, { vpcIds: [] });
  await assert.rejects(fc2.post("/services/svc/binding", { vpcId: "v" }), refused(/binds no VPCs/));
  assert.equal((await fc2.delete("/services/svc/binding/v")).data, "");

  assert.deepEqual((await fc2.getAccountConfigs({ config: ["CodeSizeLimit"] })).data, { CodeSizeLimit: 104857600 });
  await assert.rejects(fc2.getTempBucketToken(), refused(/send the code package itself as code\.zipFile/));
  await assert.rejects(fc2.getTempCodeBucketPermission("svc", "fn", "e1"), refused(/as code\.zipFile/));
  const large = { ...functionOptions("x"), withoutCodeLimit: true };
  await assert.rejects(fc2.createFunction("svc", large), refused(/as code\.zipFile/));
  await assert.rejects(fc2.publishLayerVersionForBigCode("l", { codeConfig: { size: 1 } }), refused(/code\.zipFile/));

  const { promise, resolve } = Promise.withResolvers<Error>();
  await fc2.instanceExec("svc", "fn", "LATEST", "c-1", {}, { onError: resolve });
  assert.match((await promise).message, /InstanceExec: this version of Sluice opens no shells in instances/);
}

async function customDomains(fc2: Fc2Client): Promise<void> {
  const route = { path: "/*", serviceName: "svc", functionName: "fn", qualifier: "LATEST", methods: ["POST"] };
  const pair = await makeCertificate(["grpc.example.com"]);
  const options = { protocol: "HTTP", routeConfig: { routes: [route] } };
  const { data } = await fc2.createCustomDomain("grpc.example.com", options);
  assert.deepEqual([data.apiVersion, data.routeConfig.routes], ["2016-08-15", [route]]);
  await assert.rejects(fc2.createCustomDomain("grpc.example.com", options), { code: "DomainNameAlreadyExists" });
  const certConfig = { certName: "c", ...pair };
  const secured = await fc2.updateCustomDomain("grpc.example.com", { protocol: "HTTP,HTTPS", certConfig });
  assert.deepEqual(secured.data.routeConfig.routes, [route], "a PUT is partial");
  assert.doesNotMatch(JSON.stringify(secured.data), /PRIVATE/);
  assert.deepEqual((await fc2.getCustomDomain("grpc.example.com")).data, secured.data);
  assert.deepEqual(names((await fc2.listCustomDomains()).data.customDomains, "domainName"), ["grpc.example.com"]);
  assert.equal((await fc2.deleteCustomDomain("grpc.example.com")).data, "");
  await assert.rejects(fc2.getCustomDomain("grpc.example.com"), { code: "DomainNameNotFound" });
}

function names(items: readonly Record<string, unknown>[], key: string): unknown[] {
  return items.map((item) => item[key]);
}

async function deletions(fc2: Fc2Client): Promise<void> {
  await assert.rejects(fc2.deleteService("svc"), { code: "ServiceNotEmpty" });
  await assert.rejects(fc2.deleteFunction("svc", "fn"), { code: "FunctionNotEmpty" });
  for (const deleted of [
    await fc2.deleteTrigger("svc", "fn", "http"),
    await fc2.deleteFunction("svc", "fn"),
    await fc2.deleteAlias("svc", "prod"),
    await fc2.deleteVersion("svc", "1"),
    await fc2.deleteVersion("svc", "2"),
    await fc2.deleteService("svc"),
  ]) {
    assert.equal(deleted.data, "");
    assert.equal(deleted.headers["content-type"], undefined, "with one, the SDK would parse the empty text");
  }
  await assert.rejects(fc2.deleteTrigger("svc", "fn", "http"), { code: "ServiceNotFound" });
  await assert.rejects(fc2.deleteFunction("svc", "fn"), { code: "ServiceNotFound" });
  await assert.rejects(fc2.deleteService("svc"), { code: "ServiceNotFound" });
  assert.deepEqual((await fc2.listServices()).data, { services: [] });
}

describe("the SDK fc2", () => {
  test("every method is answered", () =>
    withControl(async (underTest) => {
      const { fc2, called } = recorded(fc2Client(underTest.control.apiPort));
      await services(fc2);
      await functions(fc2);
      await triggers(fc2);
      await versionsAndAliases(fc2);
      await instances(underTest, fc2);
      await invocations(underTest, fc2);
      await tagsAndCode(fc2);
      await absent(fc2);
      await customDomains(fc2);
      await deletions(fc2);
      const methods = Object.getOwnPropertyNames(Fc2.prototype).filter((name) => !NO_OPERATIONS.includes(name));
      assert.deepEqual(methods.filter((name) => !called.has(name)).sort(), []);
    }));
});
