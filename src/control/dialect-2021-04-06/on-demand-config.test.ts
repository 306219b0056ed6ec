import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FunctionEntry } from "../../model/model.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

function put({ sdk }: ControlUnderTest, maximumInstanceCount: number | undefined, qualifier?: string) {
  const request = new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount, qualifier });
  return sdk.putFunctionOnDemandConfig("svc", "fn", request);
}

function get({ sdk }: ControlUnderTest, qualifier?: string) {
  return sdk.getFunctionOnDemandConfig("svc", "fn", new fc.GetFunctionOnDemandConfigRequest({ qualifier }));
}

function remove({ sdk }: ControlUnderTest, qualifier?: string) {
  return sdk.deleteFunctionOnDemandConfig("svc", "fn", new fc.DeleteFunctionOnDemandConfigRequest({ qualifier }));
}

/** The limit that the last message gives the data plane for this key. */
function limitTold({ main }: ControlUnderTest, key = "svc/fn"): number | undefined {
  const { last } = main;
  const entries = last === undefined ? [] : last.type === "delta" ? last.put : last.entries;
  const entry = entries.find((each): each is FunctionEntry => each.kind === "function" && each.function === key);
  assert.ok(entry, `${key} was told`);
  return entry.maximumInstanceCount;
}

describe("on-demand configs through the official SDK", () => {
  test("put, get, replace and delete, each told to the data plane", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await assert.rejects(get(underTest), { code: "OnDemandConfigNotFound" });
      const first = await put(underTest, 5);
      assert.deepEqual(first.body.toMap(), {
        resource: "services/svc.LATEST/functions/fn",
        maximumInstanceCount: 5,
      });
      assert.equal(limitTold(underTest), 5);
      const read = await get(underTest);
      assert.deepEqual(read.body.toMap(), first.body.toMap());
      assert.equal(read.headers["etag"], first.headers["etag"]);
      await put(underTest, 0, "LATEST");
      assert.equal(limitTold(underTest), 0);
      await remove(underTest);
      assert.equal(limitTold(underTest), undefined);
      await assert.rejects(get(underTest), { code: "OnDemandConfigNotFound" });
      await assert.rejects(remove(underTest), { code: "OnDemandConfigNotFound" });
    }));

  test("a limit of an alias holds for what a trigger runs under it, and goes with the alias", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      await createTrigger(underTest, {}, { qualifier: "prod" });
      await put(underTest, 3, "prod");
      assert.equal(limitTold(underTest, "svc.prod/fn"), 3);
      await assert.rejects(get(underTest), { code: "OnDemandConfigNotFound" });
      await sdk.deleteTrigger("svc", "fn", "http");
      await sdk.deleteAlias("svc", "prod");
      const { body } = await sdk.listOnDemandConfigs(new fc.ListOnDemandConfigsRequest({}));
      assert.deepEqual(body.configs, []);
    }));

  test("lists are sorted and paged by what the configs are named; a prefix is one of that name", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      for (const serviceName of ["b", "a", "a-b"]) {
        await sdk.createService(new fc.CreateServiceRequest({ serviceName }));
        for (const functionName of ["g", "f"]) {
          const wanted = { functionName, runtime: "custom", code: codeOf() };
          await sdk.createFunction(serviceName, new fc.CreateFunctionRequest(wanted));
          const request = new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount: 1 });
          await sdk.putFunctionOnDemandConfig(serviceName, functionName, request);
        }
      }
      const list = async (query: object) => {
        const { body } = await sdk.listOnDemandConfigs(new fc.ListOnDemandConfigsRequest(query));
        const names = body.configs?.map(({ resource }) =>
          resource?.replace(/^services\/(.*)\.LATEST\/functions\//, "$1/"),
        );
        return { names, next: body.nextToken };
      };
      assert.deepEqual((await list({})).names, ["a-b/f", "a-b/g", "a/f", "a/g", "b/f", "b/g"]);
      const page = await list({ limit: 4 });
      assert.deepEqual(page.names, ["a-b/f", "a-b/g", "a/f", "a/g"]);
      assert.deepEqual(await list({ nextToken: page.next }), { names: ["b/f", "b/g"], next: undefined });
      assert.deepEqual((await list({ prefix: "services/a" })).names, ["a-b/f", "a-b/g", "a/f", "a/g"]);
      assert.deepEqual((await list({ prefix: "services/a.LATEST/functions/g" })).names, ["a/g"]);
      assert.deepEqual((await list({ prefix: "services/c" })).names, []);
    }));

  test("If-Match of an older state is refused, and any where none is there", () =>
    withControl(async (underTest) => {
      const { control } = underTest;
      await createFunction(underTest);
      const path = "/2021-04-06/services/svc/functions/fn/on-demand-config";
      const body = JSON.stringify({ maximumInstanceCount: 2 });
      const none = await send(control.apiPort, { method: "PUT", path, body, headers: { "if-match": "x" } });
      assert.equal(none.json()["Code"], "PreconditionFailed");
      const first = await put(underTest, 1);
      await put(underTest, 1);
      const ifMatch = first.headers["etag"];
      for (const method of ["PUT", "DELETE"]) {
        const sent = { method, path, body: method === "PUT" ? body : "", headers: { "if-match": ifMatch } };
        assert.equal((await send(control.apiPort, sent)).status, 412);
      }
      const { headers } = await get(underTest);
      // The SDK sends the ETag in quotes, as JSON.
      const quoted = { "if-match": JSON.stringify(headers["etag"]) };
      const sent = { method: "PUT", path, body: JSON.stringify({ maximumInstanceCount: 7 }), headers: quoted };
      assert.equal((await send(control.apiPort, sent)).status, 200);
      assert.equal((await get(underTest)).body.maximumInstanceCount, 7);
    }));

  const refused: [string, number | undefined, string | undefined, string, RegExp][] = [
    ["no number", undefined, undefined, "InvalidArgument", /maximumInstanceCount: expected an integer from 0 to 10000/],
    ["a negative number", -1, undefined, "InvalidArgument", /maximumInstanceCount: .* got -1/],
    ["a version", 1, "1", "InvalidArgument", /qualifier: expected LATEST or the name of an alias, got "1"/],
    ["an alias that is not there", 1, "prod", "AliasNotFound", /alias 'prod' of service 'svc'/],
  ];
  for (const [what, count, qualifier, code, message] of refused) {
    test(`${what} is refused`, () =>
      withControl(async (underTest) => {
        await createFunction(underTest);
        await publish(underTest);
        await assert.rejects(put(underTest, count, qualifier), { code, message });
      }));
  }

  test("the config goes with its function, and does not come back with another of its name", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await assert.rejects(put(underTest, 1), { code: "ServiceNotFound" });
      await createFunction(underTest);
      await put(underTest, 1);
      await sdk.deleteFunction("svc", "fn");
      await assert.rejects(get(underTest), { code: "FunctionNotFound" });
      await sdk.createFunction(
        "svc",
        new fc.CreateFunctionRequest({ functionName: "fn", runtime: "custom", code: codeOf() }),
      );
      await assert.rejects(get(underTest), { code: "OnDemandConfigNotFound" });
      assert.equal(limitTold(underTest), undefined);
    }));
});
