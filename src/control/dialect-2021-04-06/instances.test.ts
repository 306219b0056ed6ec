import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { functionKey, type InstanceId, type InstanceStatus, type RevisionId } from "../../model/model.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

function instance(id: string, more: Partial<InstanceStatus> = {}): InstanceStatus {
  const revisionId = "r" as RevisionId;
  return { instanceId: id as InstanceId, revisionId, phase: "ready", openCalls: 0, startedAt: 0, ...more };
}

async function ids({ sdk }: ControlUnderTest, query: object = {}) {
  const { body } = await sdk.listInstances("svc", "fn", new fc.ListInstancesRequest(query));
  return body.instances?.map(({ instanceId, versionId }) => `${instanceId}:${versionId}`);
}

describe("ListInstances through the official SDK", () => {
  test("instances that serve or can be given calls, each with its version; LATEST's is 0", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      assert.deepEqual(await ids(underTest), []);
      main.report({
        functions: [
          {
            function: functionKey("svc", "fn"),
            instances: [
              instance("c-3", { phase: "frozen" }),
              instance("c-1"),
              instance("c-2", { phase: "starting" }),
              instance("c-4", { phase: "unhealthy" }),
              instance("c-5", { phase: "stopping", openCalls: 1 }),
              instance("c-6", { phase: "stopping" }),
            ],
          },
          {
            function: functionKey("svc", "fn", "prod"),
            instances: [instance("c-8", { versionId: "2" }), instance("c-7", { versionId: "1" })],
          },
        ],
      });
      assert.deepEqual(await ids(underTest), ["c-1:0", "c-3:0", "c-5:0"]);
      assert.deepEqual(await ids(underTest, { qualifier: "LATEST", limit: 2 }), ["c-1:0", "c-3:0"]);
      // The SDK has no field for it.
      const path = "/2021-04-06/services/svc/functions/fn/instances?startKey=c-2&limit=1";
      const answer = await send(underTest.control.apiPort, { path });
      assert.deepEqual(answer.json(), { instances: [{ instanceId: "c-3", versionId: "0" }] });
      assert.deepEqual(await ids(underTest, { limit: 0 }), ["c-1:0", "c-3:0", "c-5:0"]);
      assert.deepEqual(await ids(underTest, { qualifier: "prod" }), ["c-7:1", "c-8:2"]);
      assert.deepEqual(await ids(underTest, { instanceIds: ["c-5", "c-1", "c-6", "no"] }), ["c-1:0", "c-5:0"]);
    }));

  test("what is not there, and a limit out of range, are refused", () =>
    withControl(async (underTest) => {
      await assert.rejects(ids(underTest), { code: "ServiceNotFound" });
      await createFunction(underTest);
      await assert.rejects(ids(underTest, { qualifier: "prod" }), { code: "AliasNotFound" });
      for (const limit of [-1, 1001]) {
        await assert.rejects(ids(underTest, { limit }), {
          code: "InvalidArgument",
          message: /limit: expected an integer from 0 to 1000/,
        });
      }
    }));
});
