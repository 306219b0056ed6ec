import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

async function versionIds({ sdk }: ControlUnderTest, query: object = {}) {
  const { body } = await sdk.listServiceVersions("svc", new fc.ListServiceVersionsRequest(query));
  return { ids: body.versions?.map((version) => version.versionId), next: body.nextToken, direction: body.direction };
}

describe("versions through the official SDK", () => {
  test("a version keeps service, settings and code as they were; ids count from 1 and are never given twice", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      const created = await createFunction(underTest, { memorySize: 128, environmentVariables: { A: "1" } });
      const first = await sdk.publishServiceVersion("svc", new fc.PublishServiceVersionRequest({ description: "one" }));
      assert.equal(first.body.versionId, "1");
      assert.equal(first.body.description, "one");
      assert.match(first.body.createdTime ?? "", /^\d{4}-\d\d-\d\dT/);

      await sdk.updateService("svc", new fc.UpdateServiceRequest({ internetAccess: false }));
      const changed = { memorySize: 256, environmentVariables: { A: "2" }, code: codeOf("other") };
      await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest(changed));
      await sdk.createFunction(
        "svc",
        new fc.CreateFunctionRequest({ functionName: "new", runtime: "custom", code: codeOf() }),
      );
      await publish(underTest);

      const of = async (qualifier: string) =>
        (await sdk.getFunction("svc", "fn", new fc.GetFunctionRequest({ qualifier }))).body;
      assert.deepEqual((await of("1")).toMap(), created.body.toMap());
      assert.equal((await of("2")).memorySize, 256);
      assert.deepEqual((await of("LATEST")).toMap(), (await of("")).toMap());
      const serviceOf = (qualifier: string) => sdk.getService("svc", new fc.GetServiceRequest({ qualifier }));
      assert.equal((await serviceOf("1")).body.internetAccess, true);
      assert.equal((await serviceOf("2")).body.internetAccess, false);
      const listed = async (qualifier?: string) => {
        const { body } = await sdk.listFunctions("svc", new fc.ListFunctionsRequest({ qualifier }));
        return body.functions?.map((each) => each.functionName);
      };
      assert.deepEqual([await listed("1"), await listed("2"), await listed()], [["fn"], ["fn", "new"], ["fn", "new"]]);

      await sdk.deleteServiceVersion("svc", "2");
      assert.equal(await publish(underTest), "3");
      await assert.rejects(of("2"), {
        code: "VersionNotFound",
        message: /version '2' of service 'svc' does not exist/,
      });
      await assert.rejects(of("none"), {
        code: "AliasNotFound",
        message: /alias 'none' of service 'svc' does not exist/,
      });
      const inFirst = sdk.getFunction("svc", "new", new fc.GetFunctionRequest({ qualifier: "1" }));
      await assert.rejects(inFirst, { code: "FunctionNotFound", message: /'new' does not exist in version '1'/ });
    }));

  test("a function that is deleted stays in its version, and a service does not go before its versions", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await sdk.deleteFunction("svc", "fn");
      const { body } = await sdk.getFunction("svc", "fn", new fc.GetFunctionRequest({ qualifier: "1" }));
      assert.equal(body.functionName, "fn");
      await assert.rejects(sdk.deleteService("svc"), { code: "ServiceNotEmpty", message: /has versions: delete them/ });
      await sdk.deleteServiceVersion("svc", "1");
      await sdk.deleteService("svc");
      // Another service of the same name counts anew, and shows nothing of the one before.
      await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
      assert.equal(await publish(underTest), "1");
      const { body: list } = await sdk.listFunctions("svc", new fc.ListFunctionsRequest({ qualifier: "1" }));
      assert.deepEqual(list.functions, []);
    }));

  test("lists newest first, or by FORWARD oldest first, by number and in pages", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      for (let count = 0; count < 11; count += 1) await publish(underTest);
      const descending = ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1"];
      assert.deepEqual(await versionIds(underTest), { ids: descending, next: undefined, direction: "BACKWARD" });
      const forward = await versionIds(underTest, { direction: "FORWARD", limit: 9 });
      assert.deepEqual(forward, { ids: descending.slice(2).reverse(), next: "10", direction: "FORWARD" });
      const rest = await versionIds(underTest, { direction: "FORWARD", limit: 9, nextToken: forward.next });
      assert.deepEqual(rest, { ids: ["10", "11"], next: undefined, direction: "FORWARD" });
      assert.deepEqual((await versionIds(underTest, { startKey: "10", limit: 2 })).ids, ["10", "9"]);
      await assert.rejects(versionIds(underTest, { direction: "UP" }), { message: /direction: expected FORWARD or/ });
      await assert.rejects(versionIds(underTest, { startKey: "x" }), { message: /startKey: expected the id of a ver/ });
    }));

  test("If-Match is the service's ETag: publishing does not change it, an update does", () =>
    withControl(async (underTest) => {
      const { sdk, control } = underTest;
      const { headers } = await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
      const publishIf = (etag: string | undefined) =>
        send(control.apiPort, {
          method: "POST",
          path: "/2021-04-06/services/svc/versions",
          body: "{}",
          headers: { "if-match": etag },
        });
      assert.equal((await publishIf(headers["etag"])).status, 200);
      assert.equal((await publishIf(headers["etag"])).status, 200);
      await sdk.updateService("svc", new fc.UpdateServiceRequest({ description: "2" }));
      const refused = await publishIf(headers["etag"]);
      assert.equal(refused.status, 412);
      assert.equal(refused.json()["Code"], "PreconditionFailed");
    }));

  test("a version is not deleted while an alias, a trigger or a route needs it", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      for (let count = 0; count < 4; count += 1) await publish(underTest);
      const alias = { aliasName: "prod", versionId: "1", additionalVersionWeight: { "2": 0.1 } };
      await sdk.createAlias("svc", new fc.CreateAliasRequest(alias));
      await createTrigger(underTest, {}, { triggerName: "three", qualifier: "3" });
      const routes = [{ path: "/*", serviceName: "svc", functionName: "fn", qualifier: "4" }];
      const domain = { domainName: "a.example.com", protocol: "HTTP", routeConfig: { routes } };
      const created = await send(underTest.control.apiPort, {
        method: "POST",
        path: "/2021-04-06/custom-domains",
        body: JSON.stringify(domain),
      });
      assert.equal(created.status, 200);
      const users = [
        /by alias 'prod'/,
        /by alias 'prod'/,
        /by trigger 'three' of/,
        /by path '\/\*' of domain name 'a\./,
      ];
      for (const [index, message] of users.entries()) {
        await assert.rejects(sdk.deleteServiceVersion("svc", String(index + 1)), { code: "VersionInUse", message });
      }
      await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ additionalVersionWeight: {} }));
      await sdk.deleteServiceVersion("svc", "2");
      await assert.rejects(sdk.deleteServiceVersion("svc", "2"), { code: "VersionNotFound" });
      await assert.rejects(sdk.deleteServiceVersion("svc", "LATEST"), { code: "VersionNotFound" });
      await assert.rejects(sdk.deleteServiceVersion("no", "1"), { code: "ServiceNotFound" });
    }));
});
