import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FunctionEntry, type FunctionStatus, functionKey } from "../../model/model.ts";
import { type ControlUnderTest, credentials, fc, openControl, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

const PATH = "/2021-04-06/services/svc/functions/fn/provision-config";

const SPAN = { startTime: "2026-12-24T00:00:00Z", endTime: "2026-12-26T00:00:00Z" };
const ACTION = { name: "morning", ...SPAN, target: 5, scheduleExpression: "cron(0 0 8 * * MON-FRI)" };
const POLICY = {
  name: "load",
  ...SPAN,
  metricType: "ProvisionedConcurrencyUtilization",
  metricTarget: 0.6,
  minCapacity: 1,
  maxCapacity: 10,
};

function put({ sdk }: ControlUnderTest, given: object, qualifier?: string) {
  return sdk.putProvisionConfig("svc", "fn", new fc.PutProvisionConfigRequest({ ...given, qualifier }));
}

async function get({ sdk }: ControlUnderTest, qualifier?: string) {
  const { body } = await sdk.getProvisionConfig("svc", "fn", new fc.GetProvisionConfigRequest({ qualifier }));
  return body;
}

async function listed({ sdk }: ControlUnderTest, query: object = {}) {
  const { body } = await sdk.listProvisionConfigs(new fc.ListProvisionConfigsRequest(query));
  return { resources: body.provisionConfigs?.map(({ resource }) => resource), next: body.nextToken };
}

/** The function's entry in the last message, if one is there. */
function entryTold({ main }: ControlUnderTest, key = "svc/fn"): FunctionEntry | undefined {
  const { last } = main;
  const entries = last === undefined ? [] : last.type === "delta" ? last.put : last.entries;
  return entries.find((each): each is FunctionEntry => each.kind === "function" && each.function === key);
}

function resourceOf(name: string): string {
  return `${credentials.accountId}#${name}`;
}

/** Function `fn` of `svc` with version 1 and alias `prod` of it. */
async function withAlias(underTest: ControlUnderTest): Promise<void> {
  await createFunction(underTest);
  await publish(underTest);
  await underTest.sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
}

describe("provision configs through the official SDK", () => {
  test("put and get give what was put, with defaults and how many instances are ready", () =>
    withControl(async (underTest) => {
      const { main } = underTest;
      await createFunction(underTest);
      const given = { target: 2, scheduledActions: [ACTION], targetTrackingPolicies: [POLICY] };
      const { body } = await put(underTest, given);
      assert.deepEqual(body.toMap(), {
        resource: resourceOf("svc#LATEST#fn"),
        target: 2,
        current: 0,
        alwaysAllocateCPU: true,
        scheduledActions: [ACTION],
        targetTrackingPolicies: [POLICY],
      });
      const at = { startAt: Date.parse(SPAN.startTime), endAt: Date.parse(SPAN.endTime) };
      const { startTime: _start, endTime: _end, ...action } = ACTION;
      const { startTime: _from, endTime: _to, ...policy } = POLICY;
      assert.deepEqual(entryTold(underTest)?.provision, {
        target: 2,
        alwaysAllocateCpu: true,
        scheduledActions: [{ ...action, ...at }],
        targetTrackingPolicies: [{ ...policy, ...at }],
      });
      assert.deepEqual((await get(underTest)).toMap(), { ...body.toMap(), currentError: "" });

      const status: FunctionStatus = {
        function: functionKey("svc", "fn"),
        instances: [],
        provision: { target: 5, current: 1, currentError: "starts fail" },
      };
      main.report({ functions: [status] });
      const now = await get(underTest);
      assert.deepEqual([now.target, now.current, now.currentError], [2, 1, "starts fail"]);
    }));

  test("a put replaces the whole config; target 0 with nothing else releases it", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await put(underTest, { target: 2, alwaysAllocateCPU: false, scheduledActions: [ACTION] });
      assert.equal(entryTold(underTest)?.provision?.alwaysAllocateCpu, false);
      await put(underTest, { target: 0, scheduledActions: [ACTION] });
      assert.equal(entryTold(underTest)?.provision?.scheduledActions.length, 1);
      assert.equal((await get(underTest)).alwaysAllocateCPU, true);
      assert.deepEqual((await listed(underTest)).resources, [resourceOf("svc#LATEST#fn")]);
      const { body } = await put(underTest, { target: 0 });
      assert.equal(body.target, 0);
      assert.ok(entryTold(underTest));
      assert.equal(entryTold(underTest)?.provision, undefined);
      assert.equal((await get(underTest)).target, 0);
      assert.deepEqual((await listed(underTest)).resources, []);
      await put(underTest, { target: 0 });
    }));

  test("an alias without a trigger runs while it has provisioned instances, follows a switch, and is needed by them", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await withAlias(underTest);
      await publish(underTest);
      await put(underTest, { target: 1 }, "prod");
      const entry = entryTold(underTest, "svc.prod/fn");
      assert.equal(entry?.provision?.target, 1);
      assert.equal(entry?.revision.versionId, "1");
      await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "2" }));
      assert.equal(entryTold(underTest, "svc.prod/fn")?.revision.versionId, "2");
      await assert.rejects(sdk.deleteAlias("svc", "prod"), {
        code: "AliasInUse",
        message: /needed by the provision config of function 'fn'/,
      });
      const infos = await send(underTest.control.apiPort, { path: "/sluice/v1/functions" });
      const { functions } = infos.json() as { functions: { qualifier: string }[] };
      assert.deepEqual(
        functions.map(({ qualifier }) => qualifier),
        ["LATEST", "prod"],
      );
      await put(underTest, { target: 0 }, "prod");
      const { last } = underTest.main;
      assert.deepEqual(last?.type === "delta" && last.delete, ["function/svc.prod/fn"]);
      await sdk.deleteAlias("svc", "prod");
    }));

  test("an alias with provisioned instances is not switched to a version without the function", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
      await publish(underTest);
      const wanted = { functionName: "fn", runtime: "custom", code: codeOf() };
      await sdk.createFunction("svc", new fc.CreateFunctionRequest(wanted));
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      await assert.rejects(put(underTest, { target: 1 }, "prod"), {
        code: "FunctionNotFound",
        message: /function 'fn' does not exist in version '1'/,
      });
      await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "2" }));
      await put(underTest, { target: 1 }, "prod");
      await assert.rejects(sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "1" })), {
        code: "InvalidArgument",
        message:
          /versionId: expected a version with function 'fn', which the provision config of function 'fn' leads to/,
      });
    }));

  test("after a restart the snapshot holds provisions and limits", () =>
    withControl(async (underTest) => {
      await withAlias(underTest);
      await put(underTest, { target: 1 }, "prod");
      await put(underTest, { target: 2 });
      const request = new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount: 4 });
      await underTest.sdk.putFunctionOnDemandConfig("svc", "fn", request);
      await underTest.control.close();
      const again = await openControl(underTest.dataDir);
      assert.equal(again.main.last?.type, "snapshot");
      assert.equal(entryTold(again, "svc.prod/fn")?.provision?.target, 1);
      const latest = entryTold(again);
      assert.deepEqual([latest?.provision?.target, latest?.maximumInstanceCount], [2, 4]);
      await again.control.close();
    }));

  test("a function is not deleted while instances are provisioned; a config with target 0 goes with it", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await withAlias(underTest);
      await put(underTest, { target: 3 }, "prod");
      await put(underTest, { target: 0, scheduledActions: [ACTION] });
      await assert.rejects(sdk.deleteFunction("svc", "fn"), {
        code: "ProvisionConfigExist",
        statusCode: 409,
        message: /function 'fn' has 3 provisioned instances under 'prod': put a provision config with target 0 first/,
      });
      await put(underTest, { target: 0 }, "prod");
      await sdk.deleteFunction("svc", "fn");
      assert.deepEqual((await listed(underTest)).resources, []);
      await assert.rejects(get(underTest), { code: "FunctionNotFound" });
    }));

  test("lists by service, qualifier and page", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await withAlias(underTest);
      await createTrigger(underTest);
      await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc2" }));
      await put(underTest, { target: 1 });
      await put(underTest, { target: 1 }, "prod");
      const both = [resourceOf("svc#LATEST#fn"), resourceOf("svc#prod#fn")];
      assert.deepEqual((await listed(underTest)).resources, both);
      assert.deepEqual((await listed(underTest, { serviceName: "svc" })).resources, both);
      assert.deepEqual((await listed(underTest, { serviceName: "svc2" })).resources, []);
      assert.deepEqual((await listed(underTest, { qualifier: "prod" })).resources, [both[1]]);
      const page = await listed(underTest, { limit: 1 });
      assert.deepEqual(page.resources, [both[0]]);
      assert.deepEqual(await listed(underTest, { nextToken: page.next }), { resources: [both[1]], next: undefined });
    }));

  const action = (change: object) => ({ target: 1, scheduledActions: [{ ...ACTION, ...change }] });
  const policy = (change: object) => ({ target: 1, targetTrackingPolicies: [{ ...POLICY, ...change }] });
  const refused: [string, object, RegExp][] = [
    ["no target", {}, /^InvalidArgument: .*target: expected an integer from 0 to 10000 \(instances\), got nothing/],
    ["a target above 10000", { target: 10_001 }, /target: .* got 10001/],
    [
      "a text for alwaysAllocateCPU",
      { target: 1, alwaysAllocateCPU: "x" },
      /alwaysAllocateCPU: expected true or false/,
    ],
    ["an action without name", action({ name: undefined }), /scheduledActions\.0\.name: expected a name/],
    ["an action without start", action({ startTime: undefined }), /scheduledActions\.0\.startTime: expected a time/],
    [
      "a day that is none",
      action({ endTime: "2026-02-30T00:00:00Z" }),
      /scheduledActions\.0\.endTime: expected a time/,
    ],
    [
      "an end before the start",
      action({ endTime: SPAN.startTime }),
      /scheduledActions\.0\.endTime: .* after startTime/,
    ],
    ["a target of an action", action({ target: -1 }), /scheduledActions\.0\.target: expected an integer/],
    ["an expression", action({ scheduleExpression: "cron(* * *)" }), /scheduleExpression: expected at\(yyyy-mm-dd/],
    ["a name twice", { target: 1, scheduledActions: [ACTION, ACTION] }, /scheduledActions\.1\.name: .* once/],
    ["101 actions", { target: 1, scheduledActions: Array(101).fill(ACTION) }, /scheduledActions: expected at most 100/],
    ["GPU memory", policy({ metricType: "GPUMemUtilization" }), /metricType: .* CPUUtilization .* got "GPUMemUti/],
    ["a share of 1", policy({ metricTarget: 1 }), /metricTarget: expected a number above 0 and below 1, got 1/],
    ["a capacity of 0", policy({ minCapacity: 0 }), /minCapacity: expected an integer from 1 to 10000/],
    ["max below min", policy({ minCapacity: 11 }), /maxCapacity: expected at least minCapacity, 11, got 10/],
  ];
  for (const [what, given, message] of refused) {
    test(`${what} is refused, and changes nothing`, () =>
      withControl(async (underTest) => {
        await createFunction(underTest);
        const { control } = underTest;
        const answer = await send(control.apiPort, { method: "PUT", path: PATH, body: JSON.stringify(given) });
        assert.equal(answer.status, 400);
        assert.match(`${answer.json()["Code"]}: ${answer.json()["Message"]}`, message);
        assert.deepEqual((await listed(underTest)).resources, []);
      }));
  }

  test("versions, and aliases and functions that are not there, are refused", () =>
    withControl(async (underTest) => {
      await withAlias(underTest);
      await assert.rejects(put(underTest, { target: 1 }, "1"), {
        message: /qualifier: expected LATEST or the name of/,
      });
      await assert.rejects(put(underTest, { target: 1 }, "no"), { code: "AliasNotFound" });
      await assert.rejects(get(underTest, "no"), { code: "AliasNotFound" });
      const request = new fc.PutProvisionConfigRequest({ target: 1 });
      await assert.rejects(underTest.sdk.putProvisionConfig("svc", "no", request), { code: "FunctionNotFound" });
    }));
});
