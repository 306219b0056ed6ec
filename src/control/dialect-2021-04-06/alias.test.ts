import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

async function createAlias({ sdk }: ControlUnderTest, given: object = {}) {
  return sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1", ...given }));
}

/** Function `fn` with versions 1 and 2. */
async function twoVersions(underTest: ControlUnderTest): Promise<void> {
  await createFunction(underTest);
  await publish(underTest);
  await underTest.sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ code: codeOf("second") }));
  await publish(underTest);
}

describe("aliases through the official SDK", () => {
  test("create, get, update in parts, list and delete, with ETags", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await twoVersions(underTest);
      const created = await createAlias(underTest, { description: "d", additionalVersionWeight: { "2": 0.05 } });
      assert.equal(created.body.resolvePolicy, "Random");
      assert.deepEqual(created.body.additionalVersionWeight, { "2": 0.05 });
      const read = await sdk.getAlias("svc", "prod");
      assert.deepEqual(read.body.toMap(), created.body.toMap());
      assert.equal(read.headers["etag"], created.headers["etag"]);
      const updated = await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ description: "new" }));
      assert.deepEqual(updated.body.additionalVersionWeight, { "2": 0.05 });
      assert.equal(updated.body.versionId, "1");
      assert.notEqual(updated.headers["etag"], created.headers["etag"]);

      for (const aliasName of ["beta", "pre", "a"]) await createAlias(underTest, { aliasName, versionId: "2" });
      const list = async (query: object) => {
        const { body } = await sdk.listAliases("svc", new fc.ListAliasesRequest(query));
        return { names: body.aliases?.map((alias) => alias.aliasName), next: body.nextToken };
      };
      assert.deepEqual(await list({}), { names: ["a", "beta", "pre", "prod"], next: undefined });
      assert.deepEqual(await list({ prefix: "pr" }), { names: ["pre", "prod"], next: undefined });
      const first = await list({ limit: 3 });
      assert.deepEqual(first, { names: ["a", "beta", "pre"], next: "prod" });
      assert.deepEqual(await list({ nextToken: first.next }), { names: ["prod"], next: undefined });

      await sdk.deleteAlias("svc", "prod");
      await assert.rejects(sdk.getAlias("svc", "prod"), { code: "AliasNotFound" });
      await assert.rejects(sdk.deleteAlias("svc", "prod"), { code: "AliasNotFound" });
      await assert.rejects(sdk.getAlias("no", "prod"), { code: "ServiceNotFound" });
    }));

  test("a read under an alias is one of its main version; an alias of LATEST follows it", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await twoVersions(underTest);
      await createAlias(underTest, { additionalVersionWeight: { "2": 0.3 } });
      await createAlias(underTest, { aliasName: "dev", versionId: "LATEST" });
      const checksum = async (qualifier: string) =>
        (await sdk.getFunction("svc", "fn", new fc.GetFunctionRequest({ qualifier }))).body.codeChecksum;
      assert.equal(await checksum("prod"), await checksum("1"));
      assert.equal(await checksum("dev"), await checksum("2"));
      assert.notEqual(await checksum("1"), await checksum("2"));
      const { body } = await sdk.listFunctions("svc", new fc.ListFunctionsRequest({ qualifier: "prod" }));
      assert.equal(body.functions?.[0]?.codeChecksum, await checksum("1"));
    }));

  const refused: [string, object, string, RegExp][] = [
    ["the name LATEST", { aliasName: "LATEST" }, "InvalidArgument", /aliasName: expected another name than LATEST/],
    ["a name of digits", { aliasName: "1a" }, "InvalidArgument", /aliasName: expected a name of at most 128/],
    ["no version", { versionId: undefined }, "InvalidArgument", /versionId: expected the id of a version, or LATEST/],
    ["a version that is not there", { versionId: "3" }, "VersionNotFound", /version '3' of service 'svc'/],
    [
      "a share for a version that is not there",
      { additionalVersionWeight: { "3": 0.5 } },
      "VersionNotFound",
      /version '3'/,
    ],
    [
      "a share for the main version",
      { additionalVersionWeight: { "1": 0.5 } },
      "AdditionalVersionContainsMajorVersion",
      /additionalVersionWeight \{"1":0\.5\} should not contain major version 1/,
    ],
    [
      "a share above 1",
      { additionalVersionWeight: { "2": 1.5 } },
      "InvalidArgument",
      /at most one version with its share of the calls from 0 to 1/,
    ],
    ["two shares", { additionalVersionWeight: { "2": 0.1, "3": 0.1 } }, "InvalidArgument", /at most one version/],
    [
      "calls split by their content",
      { resolvePolicy: "Content" },
      "InvalidArgument",
      /resolvePolicy: expected Random \(this version of Sluice splits calls at random, not by their content\), got "Co/,
    ],
  ];
  for (const [what, given, code, message] of refused) {
    test(`${what} is refused`, () =>
      withControl(async (underTest) => {
        await twoVersions(underTest);
        await assert.rejects(createAlias(underTest, given), { code, message });
      }));
  }

  test("rules to split by are refused, empty placeholders of them accepted; a name is given once", () =>
    withControl(async (underTest) => {
      await twoVersions(underTest);
      const create = (given: object) =>
        send(underTest.control.apiPort, {
          method: "POST",
          path: "/2021-04-06/services/svc/aliases",
          body: JSON.stringify({ aliasName: "prod", versionId: "1", ...given }),
        });
      const item = { type: "Header", key: "x", operator: "=", value: "1" };
      const rules = await create({ routePolicy: { condition: "AND", policyItems: [item] } });
      assert.equal(rules.status, 400);
      assert.match(rules.text, /routePolicy\.policyItems: expected an empty list/);
      const placeholders = { routePolicy: { condition: "", policyItems: [] }, resolvePolicy: "", noise: 1 };
      const created = await create(placeholders);
      assert.equal(created.status, 200);
      assert.doesNotMatch(created.text, /noise|routePolicy|previous/);
      assert.equal((await create({})).json()["Code"], "AliasAlreadyExists");
    }));

  test("If-Match of an older state is refused on update and delete", () =>
    withControl(async (underTest) => {
      const { sdk, control } = underTest;
      await twoVersions(underTest);
      const created = await createAlias(underTest);
      await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "2" }));
      for (const method of ["PUT", "DELETE"]) {
        const path = "/2021-04-06/services/svc/aliases/prod";
        const headers = { "if-match": created.headers["etag"] };
        const answer = await send(control.apiPort, { method, path, body: method === "PUT" ? "{}" : "", headers });
        assert.equal(answer.json()["Code"], "PreconditionFailed");
      }
    }));

  test("an alias that a trigger or a route needs is not deleted, nor switched to a version without the function", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
      assert.equal(await publish(underTest), "1");
      const wanted = { functionName: "fn", runtime: "custom", code: codeOf() };
      await sdk.createFunction("svc", new fc.CreateFunctionRequest(wanted));
      assert.equal(await publish(underTest), "2");
      await createAlias(underTest);
      const trigger = { triggerName: "p", qualifier: "prod" };
      await assert.rejects(createTrigger(underTest, {}, trigger), {
        code: "FunctionNotFound",
        message: /function 'fn' does not exist in version '1' of service 'svc'/,
      });
      await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "2" }));
      await createTrigger(underTest, {}, trigger);
      await assert.rejects(sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "1" })), {
        code: "InvalidArgument",
        message:
          /versionId: expected a version with function 'fn', which trigger 'p' of function 'fn' leads to, got "1"/,
      });
      const share = new fc.UpdateAliasRequest({ additionalVersionWeight: { "1": 0.5 } });
      await assert.rejects(sdk.updateAlias("svc", "prod", share), {
        message: /additionalVersionWeight: expected a vers/,
      });
      await assert.rejects(sdk.deleteAlias("svc", "prod"), {
        code: "AliasInUse",
        message: /alias 'prod' of service 'svc' is needed by trigger 'p' of function 'fn'/,
      });
      await assert.rejects(sdk.deleteService("svc"), { code: "ServiceNotEmpty" });
      await sdk.deleteTrigger("svc", "fn", "p");
      await sdk.deleteAlias("svc", "prod");
    }));
});
