/** How requests of Serverless Devs look, and what they are answered, byte for byte where the tool depends on it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withControl } from "../testing/control-under-test.ts";
import { fc2Client } from "../testing/fc2-client.ts";
import { zipOf } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

/** A service as `s deploy` sends it where s.yaml says nothing of it. */
const EMPTY_SERVICE = {
  name: "svc",
  description: "",
  role: "",
  internetAccess: true,
  logConfig: { project: "", logstore: "", logBeginRule: "None", enableRequestMetrics: false },
  nasConfig: { mountPoints: [], userId: -1, groupId: -1 },
  ossMountConfig: { mountPoints: [] },
  vpcConfig: { vswitchIds: [], securityGroupId: "", vpcId: "" },
  tracingConfig: {},
};

/** So a function, with keys that are the tool's own. */
const EMPTY_FUNCTION = {
  name: "fn",
  service: "svc",
  serviceName: "svc",
  filename: "/home/somebody/.s/cache/code.zip",
  description: "",
  runtime: "custom",
  handler: "",
  initializer: "",
  caPort: 9000,
  layers: [],
  environmentVariables: {},
  customRuntimeConfig: null,
  customContainerConfig: null,
  customHealthCheckConfig: { httpGetUrl: "" },
  customDNS: { nameServers: null, searches: null, dnsOptions: null },
  instanceLifecycleConfig: { preFreeze: { handler: "" }, preStop: { handler: "" } },
  code: { zipFile: zipOf() },
};

describe("requests of Serverless Devs", () => {
  test("empty placeholders are accepted, keys of the tool's own are not answered, and reads stay as they are", () =>
    withControl(async ({ control }) => {
      const fc2 = fc2Client(control.apiPort);
      const service = await fc2.createService("svc", EMPTY_SERVICE);
      await assert.rejects(fc2.updateFunction("svc", "fn", EMPTY_FUNCTION), { code: "FunctionNotFound" });
      const created = await fc2.createFunction("svc", { functionName: "fn", ...EMPTY_FUNCTION });
      assert.deepEqual([created.data.handler, created.data.initializer, created.data.layers], ["", "", []]);
      const again = await fc2.updateFunction("svc", "fn", EMPTY_FUNCTION);
      for (const key of ["name", "service", "serviceName", "filename", "code"]) assert.ok(!(key in again.data), key);
      assert.equal(again.data.codeChecksum, created.data.codeChecksum);
      const { lastModifiedTime: _created, ...before } = created.data;
      const { lastModifiedTime: _again, ...after } = (await fc2.getFunction("svc", "fn")).data;
      assert.deepEqual(after, before);
      await fc2.updateService("svc", EMPTY_SERVICE);
      const { lastModifiedTime: _service, ...read } = (await fc2.getService("svc")).data;
      const { lastModifiedTime: _first, ...first } = service.data;
      assert.deepEqual(read, first);
    }));

  test("a custom domain takes empty placeholders, and keeps its routes where an update says nothing of them", () =>
    withControl(async ({ control }) => {
      const fc2 = fc2Client(control.apiPort);
      await fc2.createService("svc", EMPTY_SERVICE);
      await fc2.createFunction("svc", { functionName: "fn", ...EMPTY_FUNCTION });
      const rewriteConfig = { equalRules: [], wildcardRules: [], regexRules: [] };
      const route = { path: "/*", serviceName: "svc", functionName: "fn", qualifier: "", methods: [], rewriteConfig };
      const { data } = await fc2.createCustomDomain("grpc.example.com", {
        protocol: "HTTP",
        certConfig: { certName: "", certificate: "", privateKey: "" },
        tlsConfig: {},
        wafConfig: { enableWAF: false },
        routeConfig: { routes: [route] },
      });
      assert.equal(data.routeConfig.routes[0].qualifier, "LATEST");
      const updated = await fc2.updateCustomDomain("grpc.example.com", { protocol: "HTTP", certConfig: null });
      assert.deepEqual(updated.data.routeConfig, data.routeConfig);
    }));

  test("X-Fc-* headers are taken, signed as they are", () =>
    withControl(async ({ control }) => {
      const headers = { "X-Fc-Trace-Id": "t-1", "x-fc-date": new Date().toUTCString(), "x-fc-invocation-type": "Sync" };
      const { data } = await fc2Client(control.apiPort).listServices({ limit: 5 }, headers);
      assert.deepEqual(data, { services: [] });
    }));

  test("a wrong secret is told apart from a wrong key", () =>
    withControl(async ({ control }) => {
      const wrong = fc2Client(control.apiPort, "another-secret");
      await assert.rejects(wrong.getService("svc"), { code: "SignatureNotMatch", message: /failed with 403/ });
      await assert.rejects(wrong.createService("svc"), { code: "SignatureNotMatch" });
      assert.deepEqual((await fc2Client(control.apiPort).listServices()).data, { services: [] });
    }));

  test("an error has the keys of both families of SDKs, and a deletion no content type", () =>
    withControl(async ({ control }) => {
      const path = "/2016-08-15/services/svc";
      const error = await send(control.apiPort, { path });
      assert.equal(error.status, 404);
      assert.match(String(error.headers["content-type"]), /^application\/json/);
      const message = "service 'svc' does not exist";
      assert.deepEqual(error.json(), {
        Code: "ServiceNotFound",
        Message: message,
        RequestId: error.headers["x-fc-request-id"],
        ErrorCode: "ServiceNotFound",
        ErrorMessage: message,
      });
      await fc2Client(control.apiPort).createService("svc");
      const deleted = await send(control.apiPort, { method: "DELETE", path });
      assert.deepEqual([deleted.status, deleted.text, deleted.headers["content-type"]], [204, "", undefined]);
    }));

  test("calls below /proxy/ are refused in words whatever their method, also without a signature", () =>
    withControl(async ({ control, url }) => {
      for (const path of ["svc/fn/", "svc.prod/fn/a.B/C?d=e", "svc/fn", "x"]) {
        for (const method of ["GET", "POST", "PATCH"]) {
          const body = method === "GET" ? {} : { body: "event" };
          const answer = await fetch(`${url}/2016-08-15/proxy/${path}`, { method, ...body });
          assert.equal(answer.status, 400);
          const { ErrorCode, ErrorMessage } = (await answer.json()) as Record<string, string>;
          assert.equal(ErrorCode, "FeatureNotSupported");
          assert.match(ErrorMessage ?? "", /serve no gRPC.*call the function at the host of its http trigger/);
        }
      }
      await assert.rejects(fc2Client(control.apiPort).get("/proxy/svc/fn/", { a: "b" }), {
        code: "FeatureNotSupported",
      });
      const host = "1234567890.cn-hangzhou.fc.aliyuncs.com";
      const old = await send(control.apiPort, { path: "/2016-08-15/proxy/svc/fn/", headers: { host } });
      assert.deepEqual([old.status, old.json()["ErrorCode"]], [403, "AccessDenied"]);
      assert.match(old.text, /not asked as '1234567890\.cn-[^']*': .*over gRPC to the host of their http trigger/);
      assert.equal((await fetch(`${url}/2016-08-15/proxyable`)).status, 400);
      const unsigned = (await (await fetch(`${url}/2016-08-15/services`)).json()) as Record<string, string>;
      assert.equal(unsigned["ErrorCode"], "MissingRequiredHeader");
    }));
});
