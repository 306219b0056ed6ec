/** What clients of this API fall over: each row was seen in the SDK, in tools, or in Function Compute's manual. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc64 } from "../code/crc64.ts";
import { SCHEMAS } from "../operations/schemas.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger, publish, zipOf } from "../testing/samples.ts";
import { type RawRequest, send } from "../testing/signed-request.ts";

const SERVICES = "/2021-04-06/services";
const FUNCTIONS = `${SERVICES}/svc/functions`;

function ask(
  { control }: ControlUnderTest,
  method: string,
  path: string,
  body?: object,
  more: Partial<RawRequest> = {},
) {
  return send(control.apiPort, { method, path, ...(body && { body: JSON.stringify(body) }), ...more });
}

const PLACEHOLDERS_OF_SERVICE = {
  role: "",
  vpcConfig: { vpcId: "", vSwitchIds: [], securityGroupId: "" },
  nasConfig: { userId: -1, groupId: -1, mountPoints: [] },
  ossMountConfig: { mountPoints: [] },
  tracingConfig: {},
  logConfig: { project: "", logstore: "" },
};

const PLACEHOLDERS_OF_FUNCTION = {
  handler: "",
  initializer: "",
  layers: [],
  gpuMemorySize: 0,
  customDNS: { nameServers: null, searches: null, dnsOptions: null },
  instanceLifecycleConfig: { preFreeze: { handler: "" }, preStop: { handler: "" } },
  customHealthCheckConfig: null,
  environmentVariables: null,
};

describe("what clients fall over", () => {
  test("empty placeholders are no writes of what is not there, and unknown keys are never echoed", () =>
    withControl(async (underTest) => {
      const service = { serviceName: "svc", ...PLACEHOLDERS_OF_SERVICE, unknown: { a: 1 } };
      assert.equal((await ask(underTest, "POST", SERVICES, service)).status, 200);
      const body = { functionName: "fn", runtime: "custom", code: { zipFile: zipOf() }, extra: "x" };
      const created = await ask(underTest, "POST", FUNCTIONS, { ...body, ...PLACEHOLDERS_OF_FUNCTION });
      assert.equal(created.status, 200, created.text);
      assert.equal((await ask(underTest, "PUT", `${FUNCTIONS}/fn`, PLACEHOLDERS_OF_FUNCTION)).status, 200);
      for (const [path, schema] of [
        [`${SERVICES}/svc`, SCHEMAS.Service],
        [`${FUNCTIONS}/fn`, SCHEMAS.Function],
      ] as const) {
        const known = Object.keys((schema as { properties: object }).properties);
        const [first, second] = [await ask(underTest, "GET", path), await ask(underTest, "GET", path)];
        assert.equal(first.text, second.text);
        for (const key of Object.keys(first.json())) assert.ok(known.includes(key), `${path} answers ${key}`);
      }
    }));

  test("a PUT changes what it names: absent and null leave all as it is, InstanceConcurrency counts in capitals", () =>
    withControl(async (underTest) => {
      const created = await createFunction(underTest, { timeout: 33, environmentVariables: { A: "1" } });
      const nulls = { timeout: null, code: null, environmentVariables: null, memorySize: null };
      const { text, json } = await ask(underTest, "PUT", `${FUNCTIONS}/fn`, { ...nulls, InstanceConcurrency: 5 });
      const { lastModifiedTime: _at, ...after } = json();
      const { lastModifiedTime: _before, ...before } = created.body.toMap() as Record<string, unknown>;
      assert.deepEqual(after, { ...before, instanceConcurrency: 5 }, text);
    }));

  test("every refusal is JSON with all five keys, whatever was asked", () =>
    withControl(async (underTest) => {
      const { control } = underTest;
      for (const [method, path, status, code] of [
        ["PATCH", SERVICES, 400, "PathNotSupported"],
        ["DELETE", SERVICES, 400, "PathNotSupported"],
        ["GET", "/2021-04-06/no/such/path", 400, "PathNotSupported"],
        ["GET", "/2099-01-01/services", 400, "PathNotSupported"],
        ["OPTIONS", "/", 400, "PathNotSupported"],
        ["GET", `${SERVICES}/none`, 404, "ServiceNotFound"],
        ["GET", `${SERVICES}?limit=101`, 400, "InvalidArgument"],
        ["GET", `${SERVICES}/%E0%A4%A`, 400, undefined],
      ] as const) {
        const answer = await send(control.apiPort, { method, path });
        assert.ok(answer.status === status || code === undefined, `${method} ${path}: ${answer.status}`);
        assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
        const keys = Object.keys(answer.json()).sort();
        assert.deepEqual(keys, ["Code", "ErrorCode", "ErrorMessage", "Message", "RequestId"]);
        if (code !== undefined) assert.equal(answer.json()["Code"], code, `${method} ${path}`);
      }
      const notJson = await send(control.apiPort, { method: "POST", path: SERVICES, body: "{" });
      assert.match(String(notJson.json()["Message"]), /^body: expected JSON/);
    }));

  test("bodies in chunks, Host with and without port, 204 without a type", () =>
    withControl(async (underTest) => {
      const chunked = { headers: { "transfer-encoding": "chunked" } };
      assert.equal((await ask(underTest, "POST", SERVICES, { serviceName: "svc" }, chunked)).status, 200);
      for (const host of ["127.0.0.1", `127.0.0.1:${underTest.control.apiPort}`, "localhost", "LOCALHOST:1"]) {
        assert.equal((await ask(underTest, "GET", `${SERVICES}/svc`, undefined, { host })).status, 200, host);
      }
      const deleted = await ask(underTest, "DELETE", `${SERVICES}/svc`);
      assert.deepEqual([deleted.status, deleted.text, deleted.headers["content-type"]], [204, "", undefined]);
    }));

  test("services/S.alias reads what the alias stands for", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest, { description: "first" });
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ description: "second" }));
      const described = await sdk.getFunction("svc.prod", "fn", new fc.GetFunctionRequest({}));
      assert.equal(described.body.description, "first");
      const list = await ask(underTest, "GET", "/2021-04-06/on-demand-configs?prefix=services%2Fsvc");
      assert.deepEqual(list.json(), { configs: [] });
    }));

  test("checksums of code, ETags and preconditions", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      const created = await createFunction(underTest);
      assert.match(created.body.codeChecksum ?? "", /^\d+$/);
      const zip = zipOf("other");
      const put = (headers: Record<string, string>) =>
        ask(underTest, "PUT", `${FUNCTIONS}/fn`, { code: { zipFile: zip } }, { headers });
      const wrong = await put({ "x-fc-code-checksum": "1" });
      assert.match(String(wrong.json()["Message"]), /X-Fc-Code-Checksum/);
      const right = await put({ "x-fc-code-checksum": crc64(Buffer.from(zip, "base64")) });
      assert.equal(right.status, 200, right.text);
      const stale = await put({ "if-match": created.headers["etag"] ?? "" });
      assert.deepEqual([stale.status, stale.json()["Code"]], [412, "PreconditionFailed"]);
      assert.equal((await put({ "if-match": right.headers.etag ?? "" })).status, 200);
      const { body } = await createTrigger(underTest);
      assert.ok(body.urlIntranet);
      assert.equal(typeof body.triggerConfig, "string");
      assert.equal((await sdk.getTrigger("svc", "fn", "http")).body.urlIntranet, body.urlIntranet);
    }));

  test("what is not there is refused in words that name the field", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await publish(underTest);
      const fn = `${FUNCTIONS}/fn`;
      const code = { zipFile: zipOf() };
      const trigger = { triggerName: "t", triggerType: "timer", triggerConfig: "{}" };
      const alias = { aliasName: "a", versionId: "1", resolvePolicy: "Content" };
      for (const [method, path, body, message] of [
        [
          "POST",
          FUNCTIONS,
          { functionName: "g", runtime: "nodejs18", code },
          /^runtime: expected one of custom, .*nodejs18/,
        ],
        ["PUT", fn, { layers: ["acs:fc:x:y:layers/l/versions/1"] }, /^layers: expected an empty list/],
        ["PUT", fn, { gpuMemorySize: 8192 }, /^gpuMemorySize: expected 0 \(this version of Sluice has no GPUs\)/],
        ["PUT", fn, { instanceType: "fc.gpu.tesla.1" }, /^instanceType: expected .* names no GPU/],
        ["PUT", fn, { code: { ossBucketName: "b", ossObjectName: "o" } }, /^code/],
        ["PUT", fn, { timeout: 0 }, /^timeout: expected an integer from 1 to 86400 \(seconds\), got 0/],
        ["POST", `${fn}/triggers`, trigger, /^triggerType: expected http \(this version of Sluice has no triggers by/],
        ["POST", `${SERVICES}/svc/aliases`, alias, /^resolvePolicy: expected Random .* got "Content"/],
      ] as const) {
        const answer = await ask(underTest, method, path, body);
        assert.equal(answer.json()["Code"], "InvalidArgument", answer.text);
        assert.match(String(answer.json()["Message"]), message);
      }
    }));
});
