import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fc, withControl } from "../testing/control-under-test.ts";
import { createFunction } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

describe("services through the official SDK", () => {
  test("create, get, update and delete, with ETags and stable answers", () =>
    withControl(async ({ sdk }) => {
      const logConfig = { project: "p", logstore: "l", enableRequestMetrics: true };
      const created = await sdk.createService(
        new fc.CreateServiceRequest({ serviceName: "svc", description: "d", logConfig: new fc.LogConfig(logConfig) }),
      );
      assert.equal(created.body.serviceName, "svc");
      assert.equal(created.body.internetAccess, true);
      assert.match(created.body.createdTime ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.match(created.headers["etag"] ?? "", /^[0-9a-f]{32}$/);
      assert.match(created.headers["x-fc-request-id"] ?? "", /^[0-9a-f-]{36}$/);
      const read = await sdk.getService("svc", new fc.GetServiceRequest({}));
      assert.deepEqual(read.body.toMap(), created.body.toMap());
      assert.equal(read.headers["etag"], created.headers["etag"]);

      const updated = await sdk.updateService("svc", new fc.UpdateServiceRequest({ internetAccess: false }));
      assert.equal(updated.body.internetAccess, false);
      assert.equal(updated.body.description, "d");
      assert.deepEqual(updated.body.logConfig?.toMap(), created.body.logConfig?.toMap());
      assert.notEqual(updated.headers["etag"], created.headers["etag"]);

      assert.equal((await sdk.deleteService("svc")).statusCode, 204);
      await assert.rejects(sdk.getService("svc", new fc.GetServiceRequest({})), { code: "ServiceNotFound" });
    }));

  test("If-Match of an older state is refused on update and delete, that of now accepted", () =>
    withControl(async ({ sdk, control }) => {
      const created = await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
      const updated = await sdk.updateService("svc", new fc.UpdateServiceRequest({ description: "2" }));
      const with_ = (method: string, etag: string | undefined) =>
        send(control.apiPort, {
          method,
          path: "/2021-04-06/services/svc",
          body: method === "PUT" ? "{}" : "",
          headers: { "if-match": etag },
        });
      for (const method of ["PUT", "DELETE"]) {
        const refused = await with_(method, created.headers["etag"]);
        assert.equal(refused.status, 412);
        assert.equal(refused.json()["Code"], "PreconditionFailed");
      }
      assert.equal((await with_("DELETE", updated.headers["etag"])).status, 204);
    }));

  test("lists by pages in the order of names, with prefix, startKey, nextToken and limit", () =>
    withControl(async ({ sdk }) => {
      const names = ["b_1", "a", "b-2", "B", "c"];
      for (const serviceName of names) await sdk.createService(new fc.CreateServiceRequest({ serviceName }));
      const list = async (query: object) => {
        const { body } = await sdk.listServices(new fc.ListServicesRequest(query));
        return { names: body.services?.map((service) => service.serviceName), next: body.nextToken };
      };
      assert.deepEqual(await list({}), { names: ["B", "a", "b-2", "b_1", "c"], next: undefined });
      const first = await list({ limit: 2 });
      assert.deepEqual(first.names, ["B", "a"]);
      assert.deepEqual(await list({ limit: 3, nextToken: first.next }), {
        names: ["b-2", "b_1", "c"],
        next: undefined,
      });
      assert.deepEqual((await list({ prefix: "b" })).names, ["b-2", "b_1"]);
      assert.deepEqual((await list({ startKey: "b-2", limit: 1 })).names, ["b-2"]);
      for (const limit of [0, 101, -1]) await assert.rejects(list({ limit }), { code: "InvalidArgument" });
    }));

  test("any text in a query is signed as the SDK signs it", () =>
    withControl(async ({ sdk }) => {
      for (const prefix of ["a b+c", "ü/é", "!'()*~", "%41%2F", "a&b=c", "\u{1F600}"]) {
        const { body } = await sdk.listServices(new fc.ListServicesRequest({ prefix, startKey: "", nextToken: "" }));
        assert.deepEqual(body.services, [], prefix);
      }
    }));

  test("what exists is not created twice; what has functions is not deleted", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      const again = new fc.CreateServiceRequest({ serviceName: "svc", description: "other" });
      await assert.rejects(sdk.createService(again), {
        code: "ServiceAlreadyExists",
        message: /service 'svc' already/,
      });
      await assert.rejects(sdk.deleteService("svc"), { code: "ServiceNotEmpty" });
      assert.equal((await sdk.getService("svc", new fc.GetServiceRequest({}))).body.description, "");
    }));

  test("of many creations of one name at the same time one succeeds", () =>
    withControl(async ({ sdk }) => {
      const request = new fc.CreateServiceRequest({ serviceName: "svc" });
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => sdk.createService(request)));
      assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
    }));

  for (const serviceName of ["", "1a", "-a", "a b", "a/b", "ä", "a".repeat(129), undefined]) {
    test(`the name ${JSON.stringify(serviceName)?.slice(0, 20)} is refused by field, rule and value`, () =>
      withControl(async ({ sdk }) => {
        await assert.rejects(sdk.createService(new fc.CreateServiceRequest({ serviceName })), {
          code: "InvalidArgument",
          message: /serviceName: expected a name of at most 128 .*, got (nothing|"?)/,
        });
      }));
  }

  for (const [settings, message] of [
    [{ vpcConfig: { vpcId: "vpc-1" } }, /vpcConfig.vpcId: expected an empty text \(.*no VPCs/],
    [{ vpcConfig: { vSwitchIds: ["vsw-1"] } }, /vpcConfig.vSwitchIds: expected an empty list/],
    [{ nasConfig: { mountPoints: [{ serverAddr: "s", mountDir: "/m" }] } }, /nasConfig.mountPoints: .*no NAS/],
    [{ ossMountConfig: { mountPoints: [{ bucketName: "b" }] } }, /ossMountConfig.mountPoints: .*no OSS/],
  ] as const) {
    test(`${JSON.stringify(settings)}, of a feature that is not there, is refused at create and update`, () =>
      withControl(async ({ sdk }) => {
        const request = { serviceName: "svc", ...settings };
        const refusal = { code: "InvalidArgument", message };
        await assert.rejects(sdk.createService(new fc.CreateServiceRequest(request)), refusal);
        await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
        await assert.rejects(sdk.updateService("svc", new fc.UpdateServiceRequest(settings)), refusal);
      }));
  }

  test("unknown keys are ignored and not echoed, empty placeholders accepted", () =>
    withControl(async ({ control }) => {
      const body = JSON.stringify({
        serviceName: "svc",
        noise: 1,
        role: "",
        vpcConfig: { vpcId: "", vSwitchIds: [], securityGroupId: "", noise: 2 },
        tracingConfig: {},
        ossMountConfig: { mountPoints: [] },
        logConfig: null,
      });
      const answer = await send(control.apiPort, { method: "POST", path: "/2021-04-06/services", body });
      assert.equal(answer.status, 200);
      assert.doesNotMatch(answer.text, /noise/);
      assert.equal("logConfig" in answer.json(), false);
    }));
});
