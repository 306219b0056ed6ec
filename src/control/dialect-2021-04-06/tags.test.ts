import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { send } from "../testing/signed-request.ts";

const arn = (name: string) => `acs:fc:local:1234567890:services/${name}`;

async function withServices({ sdk }: ControlUnderTest, ...names: string[]): Promise<void> {
  for (const serviceName of names) await sdk.createService(new fc.CreateServiceRequest({ serviceName }));
}

function tagsOf({ sdk }: ControlUnderTest, name: string) {
  return sdk.getResourceTags(new fc.GetResourceTagsRequest({ resourceArn: arn(name) }));
}

describe("tags through the official SDK", () => {
  test("a service is tagged, read, untagged by key and whole; its tags go with it", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await withServices(underTest, "a");
      assert.deepEqual((await tagsOf(underTest, "a")).body.toMap(), { resourceArn: arn("a"), tags: {} });
      const tag = (tags: Record<string, string>) =>
        sdk.tagResource(new fc.TagResourceRequest({ resourceArn: arn("a"), tags }));
      await tag({ team: "x", env: "dev" });
      await tag({ env: "prod", cost: "" });
      assert.deepEqual((await tagsOf(underTest, "a")).body.tags, { team: "x", env: "prod", cost: "" });
      const untag = (given: object) =>
        sdk.untagResource(new fc.UntagResourceRequest({ resourceArn: arn("a"), ...given }));
      await untag({ tagKeys: ["team", "none"] });
      assert.deepEqual((await tagsOf(underTest, "a")).body.tags, { env: "prod", cost: "" });
      await untag({ all: true });
      await untag({ all: true });
      assert.deepEqual((await tagsOf(underTest, "a")).body.tags, {});

      await tag({ left: "over" });
      await sdk.deleteService("a");
      await assert.rejects(tagsOf(underTest, "a"), { code: "ServiceNotFound" });
      await withServices(underTest, "a");
      assert.deepEqual((await tagsOf(underTest, "a")).body.tags, {});
    }));

  test("untagging is DELETE with a body in API 2016-08-15; services are listed by their tags there and here", () =>
    withControl(async (underTest) => {
      const { sdk, control } = underTest;
      await withServices(underTest, "a", "b", "c");
      for (const [name, tags] of [
        ["a", { env: "dev", team: "x" }],
        ["c", { env: "dev" }],
      ] as const) {
        await sdk.tagResource(new fc.TagResourceRequest({ resourceArn: `services/${name}`, tags }));
      }
      const names = async (path: string) => {
        const { services, nextToken } = (await send(control.apiPort, { path })).json();
        return [(services as { serviceName: string }[]).map((each) => each.serviceName), nextToken];
      };
      assert.deepEqual(await names("/2016-08-15/services?tag_env=dev"), [["a", "c"], undefined]);
      assert.deepEqual(await names("/2016-08-15/services?tag_env=dev&limit=1"), [["a"], "c"]);
      assert.deepEqual(await names("/2021-04-06/services?tag_env=dev&tag_team=x"), [["a"], undefined]);
      const listed = await sdk.listTaggedResources(new fc.ListTaggedResourcesRequest({ limit: 1 }));
      assert.deepEqual(listed.body.toMap(), {
        resources: [{ resourceArn: arn("a"), tags: { env: "dev", team: "x" } }],
        nextToken: arn("c"),
      });
      const { nextToken } = listed.body;
      const rest = await sdk.listTaggedResources(new fc.ListTaggedResourcesRequest({ nextToken }));
      assert.deepEqual(rest.body.toMap(), { resources: [{ resourceArn: arn("c"), tags: { env: "dev" } }] });

      const body = JSON.stringify({ resourceArn: arn("a"), tagKeys: ["env"] });
      const answer = await send(control.apiPort, { method: "DELETE", path: "/2016-08-15/tag", body });
      assert.deepEqual(answer.json(), { requestId: answer.headers["x-fc-request-id"] });
      assert.deepEqual((await tagsOf(underTest, "a")).body.tags, { team: "x" });
    }));

  test("refusals name the field", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await withServices(underTest, "a");
      const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`k${index}`, "v"]));
      const refused: [object, string, RegExp][] = [
        [{ resourceArn: arn("none"), tags: { a: "b" } }, "ServiceNotFound", /service 'none'/],
        [{ resourceArn: "acs:fc:local:99:services/a", tags: { a: "b" } }, "InvalidArgument", /resourceArn: expected/],
        [{ resourceArn: `${arn("a")}/functions/f`, tags: { a: "b" } }, "InvalidArgument", /resourceArn: expected/],
        [{ resourceArn: arn("a"), tags: {} }, "InvalidArgument", /tags: expected a map of at least one tag/],
        [{ resourceArn: arn("a"), tags: { a: "x".repeat(129) } }, "InvalidArgument", /tags: expected/],
        [{ resourceArn: arn("a"), tags: many }, "InvalidArgument", /tags: expected at most 20 on a service, got 21/],
        [{ tags: { a: "b" } }, "InvalidArgument", /resourceArn: expected the ARN of a service, got nothing/],
      ];
      for (const [request, code, message] of refused) {
        await assert.rejects(sdk.tagResource(new fc.TagResourceRequest(request)), { code, message });
      }
      await assert.rejects(sdk.untagResource(new fc.UntagResourceRequest({ resourceArn: arn("a") })), {
        message: /tagKeys: expected at least one key, or all: true/,
      });
      await assert.rejects(sdk.getResourceTags(new fc.GetResourceTagsRequest({})), {
        message: /resourceArn: expected/,
      });
    }));
});
