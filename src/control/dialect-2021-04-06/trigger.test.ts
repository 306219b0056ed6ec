import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fastCheck from "fast-check";
import type { Delta, RouteEntry } from "../../model/model.ts";
import { newTriggerHost } from "../resources/trigger-host.ts";
import { fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger } from "../testing/samples.ts";

describe("triggers through the official SDK", () => {
  test("a trigger has a host for life, URLs with the gateway's port, and its settings as JSON in a text", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      const { body } = await createTrigger(underTest);
      assert.match(body.urlInternet ?? "", /^https:\/\/fn-svc-[a-z]{10}\.local\.fcapp\.localhost:8089$/);
      assert.notEqual(body.urlIntranet ?? "", "");
      assert.deepEqual(JSON.parse(body.triggerConfig ?? ""), {
        authType: "anonymous",
        methods: ["GET", "POST"],
        disableURLInternet: false,
      });
      const route = (main.last as Delta).put[0] as RouteEntry;
      assert.equal(`https://${route.host}:8089`, body.urlInternet);
      assert.equal(route.path, "/*");
      const triggerConfig = JSON.stringify({ authType: "anonymous", methods: ["POST"], disableURLInternet: true });
      const updated = await sdk.updateTrigger("svc", "fn", "http", new fc.UpdateTriggerRequest({ triggerConfig }));
      assert.equal(updated.body.urlInternet, body.urlInternet);
      assert.equal(((main.last as Delta).put[0] as RouteEntry).internetUrlDisabled, true);
      assert.deepEqual(
        (await sdk.getTrigger("svc", "fn", "http")).body.toMap().triggerConfig,
        updated.body.triggerConfig,
      );
      await sdk.deleteTrigger("svc", "fn", "http");
      assert.deepEqual((main.last as Delta).delete, [`route/${route.host}/*`]);
    }));

  test("authType omitted is function, as in Function Compute", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await createTrigger(underTest, { authType: undefined });
      assert.equal(((underTest.main.last as Delta).put[0] as RouteEntry).authType, "function");
    }));

  const refused: [string, object, RegExp][] = [
    ["jwt", { authType: "jwt" }, /triggerConfig\.authType: expected anonymous or function \(.*Web Tokens\), got "jwt"/],
    ["an unknown authType", { authType: "none" }, /triggerConfig\.authType/],
    ["an unknown method", { methods: ["TRACE"] }, /triggerConfig\.methods: expected a list of at least one of GET/],
    ["no method", { methods: [] }, /triggerConfig\.methods/],
  ];
  for (const [what, config, message] of refused) {
    test(`${what} is refused`, () =>
      withControl(async (underTest) => {
        await createFunction(underTest);
        await assert.rejects(createTrigger(underTest, config), { code: "InvalidArgument", message });
      }));
  }

  test("other types, versions, settings that are no JSON, and a second http trigger are refused", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      const create = (given: object) =>
        sdk.createTrigger(
          "svc",
          "fn",
          new fc.CreateTriggerRequest({ triggerName: "t", triggerType: "http", triggerConfig: "{}", ...given }),
        );
      await assert.rejects(create({ triggerType: "timer" }), { message: /triggerType: expected http \(.*got "timer"/ });
      await assert.rejects(create({ qualifier: "prod" }), { message: /qualifier: expected LATEST/ });
      await assert.rejects(create({ triggerConfig: "{" }), { message: /triggerConfig: expected JSON/ });
      await assert.rejects(create({ triggerConfig: undefined }), { message: /triggerConfig: expected the settings/ });
      await create({});
      await assert.rejects(create({}), { code: "TriggerAlreadyExists" });
      await assert.rejects(create({ triggerName: "u" }), {
        message: /triggerName: expected 't', the one http trigger/,
      });
      await assert.rejects(sdk.getTrigger("svc", "fn", "no"), { code: "TriggerNotFound" });
      await assert.rejects(sdk.getTrigger("svc", "no", "t"), { code: "FunctionNotFound" });
      const list = await sdk.listTriggers("svc", "fn", new fc.ListTriggersRequest({}));
      assert.deepEqual(
        list.body.triggers?.map((trigger) => trigger.triggerName),
        ["t"],
      );
    }));
});

test("newTriggerHost: every name gives a label that is valid and at most 63 characters long", () => {
  const name = (max: number) => fastCheck.stringMatching(new RegExp(`^[A-Za-z_][A-Za-z0-9_-]{0,${max - 1}}$`));
  fastCheck.assert(
    fastCheck.property(name(128), name(64), (serviceName, functionName) => {
      const host = newTriggerHost(serviceName, functionName, "local", "fcapp.localhost");
      assert.match(host, /^[a-z0-9]([a-z0-9]|-(?!-))*[a-z0-9]\.local\.fcapp\.localhost$/);
      assert.ok((host.split(".")[0]?.length ?? 99) <= 63);
    }),
  );
  assert.match(newTriggerHost("grpc-demo", "golang_GRPC", "local", "x"), /^golang-grpc-grpc-demo-[a-z]{10}\.local\.x$/);
});
