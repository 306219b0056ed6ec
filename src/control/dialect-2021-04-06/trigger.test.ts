import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fastCheck from "fast-check";
import { type Delta, entryKey, type RouteEntry } from "../../model/model.ts";
import { newTriggerHost } from "../resources/trigger-host.ts";
import { type ControlUnderTest, fc, openControl, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, publish } from "../testing/samples.ts";

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

  test("other types, unknown qualifiers, settings that are no JSON, and a second http trigger are refused", () =>
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
      await assert.rejects(create({ qualifier: "a.b" }), {
        message: /qualifier: expected LATEST, the id of a version/,
      });
      await assert.rejects(create({ qualifier: "prod" }), { code: "AliasNotFound" });
      await assert.rejects(create({ qualifier: "7" }), { code: "VersionNotFound" });
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

describe("triggers of versions and aliases", () => {
  const alias = (change: object) => new fc.UpdateAliasRequest(change);

  /** What the last delta put and deleted, by key, with the version that each function entry runs. */
  function lastChange({ main }: ControlUnderTest) {
    const { put, delete: gone } = main.last as Delta;
    const told = put.map((entry) => {
      if (entry.kind !== "function") return entryKey(entry).replace(/[a-z]{10}\.local.*/, "*");
      const others = (entry.additionalRevisions ?? []).map(({ revision, weight }) => `${revision.versionId}=${weight}`);
      return [entryKey(entry), entry.revision.versionId ?? "LATEST", ...others].join(" ");
    });
    return { put: told, gone: gone.map((key) => key.replace(/[a-z]{10}\.local.*/, "*")) };
  }

  test("each has its own host and function entry, told only while it leads there; LATEST's stays as it is", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      const latest = await createTrigger(underTest);
      await publish(underTest);
      assert.deepEqual(lastChange(underTest), { put: [], gone: [] });
      await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ code: codeOf("second") }));
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      assert.deepEqual(lastChange(underTest), { put: [], gone: [] });

      const prod = await createTrigger(underTest, {}, { triggerName: "prod", qualifier: "prod" });
      assert.notEqual(prod.body.urlInternet, latest.body.urlInternet);
      const route = "route/fn-svc-*";
      assert.deepEqual(lastChange(underTest), { put: ["function/svc.prod/fn 1", route], gone: [] });
      await assert.rejects(createTrigger(underTest, {}, { triggerName: "again", qualifier: "prod" }), {
        message: /triggerName: expected 'prod', the one http trigger that a function can have for 'prod', got 'again'/,
      });

      await sdk.updateAlias("svc", "prod", alias({ additionalVersionWeight: { "2": 0.3 } }));
      assert.deepEqual(lastChange(underTest), { put: ["function/svc.prod/fn 1 2=0.3"], gone: [] });
      await sdk.updateAlias("svc", "prod", alias({ versionId: "2", additionalVersionWeight: {} }));
      assert.deepEqual(lastChange(underTest), { put: ["function/svc.prod/fn 2"], gone: [] });
      await sdk.updateAlias("svc", "prod", alias({ additionalVersionWeight: { "1": 1 } }));
      assert.deepEqual(lastChange(underTest), { put: ["function/svc.prod/fn 1"], gone: [] });
      await sdk.updateAlias("svc", "prod", alias({ additionalVersionWeight: { "1": 0 } }));
      assert.deepEqual(lastChange(underTest), { put: ["function/svc.prod/fn 2"], gone: [] });
      await sdk.updateAlias("svc", "prod", alias({ description: "nothing that a program could notice" }));
      assert.deepEqual(lastChange(underTest), { put: [], gone: [] });

      await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ timeout: 7 }));
      assert.deepEqual(lastChange(underTest), { put: ["function/svc/fn LATEST"], gone: [] });
      const moved = await sdk.updateTrigger("svc", "fn", "prod", new fc.UpdateTriggerRequest({ qualifier: "1" }));
      assert.equal(moved.body.urlInternet, prod.body.urlInternet);
      assert.deepEqual(lastChange(underTest), { put: ["function/svc.1/fn 1", route], gone: ["function/svc.prod/fn"] });
      await sdk.deleteTrigger("svc", "fn", "prod");
      assert.deepEqual(lastChange(underTest), { put: [], gone: ["function/svc.1/fn", route] });
    }));

  test("after a restart of the control plane the snapshot holds the same entries", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      await createTrigger(underTest, {}, { qualifier: "prod" });
      await underTest.control.close();
      const again = await openControl(underTest.dataDir);
      const snapshot = again.main.last;
      assert.ok(snapshot?.type === "snapshot");
      const entries = snapshot.entries.filter(({ kind }) => kind !== "accessKey");
      assert.deepEqual(entries.map(({ kind }) => kind).sort(), ["function", "function", "route"]);
      const told = main.received.flatMap((message) => (message.type === "delta" ? message.put : []));
      for (const entry of entries)
        assert.ok(
          told.some((each) => isDeepStrictEqual(each, entry)),
          entryKey(entry),
        );
      await again.control.close();
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
