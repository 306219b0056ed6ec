import assert from "node:assert/strict";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Delta, FunctionEntry, Snapshot } from "../../model/model.ts";
import { crc64 } from "../code/crc64.ts";
import { type ControlUnderTest, fc, openControl, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, zipOf } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

function lastRevision({ main }: ControlUnderTest) {
  const delta = main.last as Delta;
  const entry = delta.put.find((each): each is FunctionEntry => each.kind === "function");
  return entry?.revision;
}

const get = new fc.GetFunctionRequest({});

describe("functions through the official SDK", () => {
  test("what is omitted gets Function Compute's defaults, with a timeout of 60 s", () =>
    withControl(async (underTest) => {
      const { body } = await createFunction(underTest);
      const zip = Buffer.from(zipOf(), "base64");
      const expected = {
        functionName: "fn",
        runtime: "custom.debian10",
        timeout: 60,
        caPort: 9000,
        memorySize: 512,
        instanceConcurrency: 1,
        diskSize: 512,
        initializationTimeout: 3,
        codeSize: zip.length,
        codeChecksum: crc64(zip),
      };
      const map = body.toMap();
      for (const [key, value] of Object.entries(expected)) assert.equal(map[key], value, key);
      assert.equal("code" in map, false);
      assert.deepEqual((await underTest.sdk.getFunction("svc", "fn", get)).body.toMap(), map);
    }));

  test("the data plane gets a revision whose folder holds the package", () =>
    withControl(async (underTest) => {
      await createFunction(underTest, { environmentVariables: { B: "2", A: "1" }, timeout: 86400, cpu: 0.5 });
      const revision = lastRevision(underTest);
      assert.equal(revision?.timeoutMs, 86_400_000);
      assert.deepEqual(revision?.environment, { A: "1", B: "2" });
      assert.deepEqual(revision?.command, ["./bootstrap"]);
      assert.equal(revision?.hasCommand, false);
      assert.equal(revision?.cpu, 0.5);
      await access(join(revision?.codeDir ?? "", "bootstrap"));
    }));

  test("an update changes what it names, InstanceConcurrency in capitals too, and nothing else", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      const created = await createFunction(underTest, { description: "d", environmentVariables: { A: "1" } });
      const firstId = lastRevision(underTest)?.id;
      const request = new fc.UpdateFunctionRequest({ instanceConcurrency: 20, memorySize: 1024 });
      const { body } = await sdk.updateFunction("svc", "fn", request);
      assert.equal(body.instanceConcurrency, 20);
      assert.equal(body.memorySize, 1024);
      assert.equal(body.description, "d");
      assert.deepEqual(body.environmentVariables, { A: "1" });
      assert.equal(body.codeChecksum, created.body.codeChecksum);
      assert.notEqual(lastRevision(underTest)?.id, firstId);
      assert.equal(lastRevision(underTest)?.instanceSoftConcurrency, 20);

      const newCode = await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ code: codeOf("other") }));
      assert.notEqual(newCode.body.codeChecksum, created.body.codeChecksum);
      assert.equal(newCode.body.instanceConcurrency, 20);
    }));

  test("an update that changes nothing a program could notice keeps the revision", () =>
    withControl(async (underTest) => {
      await createFunction(underTest, { environmentVariables: { A: "1", B: "2" } });
      const again = { description: "new", code: codeOf(), environmentVariables: { B: "2", A: "1" } };
      await underTest.sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest(again));
      assert.deepEqual((underTest.main.last as Delta).put, []);
    }));

  test("internetAccess of the service changes the revisions of its functions", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await underTest.sdk.updateService("svc", new fc.UpdateServiceRequest({ internetAccess: false }));
      assert.equal(lastRevision(underTest)?.internetAccess, false);
    }));

  test("a start command, and a package without bootstrap, are accepted", () =>
    withControl(async (underTest) => {
      const customRuntimeConfig = new fc.CustomRuntimeConfig({ command: ["node", "main.js"], args: ["-v"] });
      const { body } = await createFunction(underTest, { customRuntimeConfig });
      assert.deepEqual(body.customRuntimeConfig?.command, ["node", "main.js"]);
      assert.deepEqual(lastRevision(underTest)?.command, ["node", "main.js", "-v"]);
      assert.equal(lastRevision(underTest)?.hasCommand, true);
    }));

  test("hooks and health check reach the data plane; an update changes what it names; an empty handler is off", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      const hooks = { preFreeze: { handler: "a.b", timeout: 90 }, preStop: { handler: "a.c" } };
      const health = { httpGetUrl: "/ready", periodSeconds: 120, timeoutSeconds: 3 };
      const settings = {
        initializer: "a.init",
        initializationTimeout: 300,
        instanceLifecycleConfig: lifecycle(hooks),
        customHealthCheckConfig: new fc.CustomHealthCheckConfig(health),
      };
      const { body } = await createFunction(underTest, settings);
      assert.equal(body.initializer, "a.init");
      assert.deepEqual(body.instanceLifecycleConfig?.toMap(), hooks);
      assert.deepEqual(body.customHealthCheckConfig?.toMap(), health);
      assert.deepEqual((await sdk.getFunction("svc", "fn", get)).body.toMap(), body.toMap());
      const { hooks: told, healthCheck } = lastRevision(underTest) ?? {};
      assert.deepEqual(told, {
        initialize: { timeoutMs: 300_000 },
        preFreeze: { timeoutMs: 90_000 },
        preStop: { timeoutMs: 3000 },
      });
      assert.deepEqual([healthCheck?.path, healthCheck?.periodMs], ["/ready", 120_000]);

      const update = async (change: object) => {
        const answer = await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest(change));
        return answer.body;
      };
      const untouched = await update({ description: "d" });
      assert.deepEqual(untouched.instanceLifecycleConfig, body.instanceLifecycleConfig);
      const partly = await update({
        instanceLifecycleConfig: lifecycle({ preFreeze: { handler: "" } }),
        customHealthCheckConfig: new fc.CustomHealthCheckConfig({ failureThreshold: 7 }),
      });
      assert.deepEqual(partly.instanceLifecycleConfig?.toMap(), {
        preFreeze: { handler: "", timeout: 90 },
        preStop: { handler: "a.c" },
      });
      assert.deepEqual(lastRevision(underTest)?.hooks, {
        initialize: { timeoutMs: 300_000 },
        preStop: { timeoutMs: 3000 },
      });
      assert.deepEqual(lastRevision(underTest)?.healthCheck, { ...healthCheck, failureThreshold: 7 });
      await update({
        initializer: "",
        instanceLifecycleConfig: lifecycle({ preStop: { handler: "" } }),
        customHealthCheckConfig: new fc.CustomHealthCheckConfig({ httpGetUrl: "" }),
      });
      const off = lastRevision(underTest);
      assert.deepEqual([off?.hooks, off?.healthCheck], [undefined, undefined]);

      function lifecycle(given: Record<string, { handler: string; timeout?: number }>) {
        const made = Object.entries(given).map(([name, each]) => [name, new fc.LifecycleHook(each)]);
        return new fc.InstanceLifecycleConfig(Object.fromEntries(made));
      }
    }));

  const refused: [field: string, settings: object, message: RegExp][] = [
    ["timeout", { timeout: 0 }, /timeout: expected an integer from 1 to 86400 \(seconds\), got 0/],
    ["timeout above", { timeout: 86401 }, /timeout: expected an integer from 1 to 86400/],
    [
      "memorySize",
      { memorySize: 100 },
      /memorySize: expected an integer from 128 to 32768 in steps of 64 \(MB\), got 100/,
    ],
    ["diskSize", { diskSize: 1024 }, /diskSize: expected one of 512, 10240, got 1024/],
    ["caPort", { caPort: 65536 }, /caPort: expected an integer from 1 to 65535/],
    ["cpu", { cpu: 0.07 }, /cpu: expected a number from 0.05 to 16 in steps of 0.05/],
    ["cpu for its memory", { cpu: 2, memorySize: 512 }, /cpu: expected 1 to 4 GB of memorySize for each CPU/],
    ["instanceConcurrency", { instanceConcurrency: 201 }, /instanceConcurrency: expected an integer from 1 to 200/],
    [
      "soft concurrency",
      { instanceSoftConcurrency: 2 },
      /instanceSoftConcurrency: expected at most instanceConcurrency/,
    ],
    [
      "initializationTimeout",
      { initializationTimeout: 301 },
      /initializationTimeout: expected an integer from 1 to 300/,
    ],
    [
      "a hook's timeout",
      {
        instanceLifecycleConfig: new fc.InstanceLifecycleConfig({
          preStop: new fc.LifecycleHook({ handler: "h", timeout: 91 }),
        }),
      },
      /instanceLifecycleConfig\.preStop\.timeout: expected an integer from 1 to 90 \(seconds\), got 91/,
    ],
    [
      "httpGetUrl",
      { customHealthCheckConfig: new fc.CustomHealthCheckConfig({ httpGetUrl: "http://x/" }) },
      /customHealthCheckConfig\.httpGetUrl: expected a path .*, got "http:\/\/x\/"/,
    ],
    ...(
      [
        ["initialDelaySeconds", 121, "0 to 120"],
        ["periodSeconds", 0, "1 to 120"],
        ["timeoutSeconds", 4, "1 to 3"],
        ["failureThreshold", 121, "1 to 120"],
        ["successThreshold", 0, "1 to 120"],
      ] as const
    ).map(([field, value, range]): [string, object, RegExp] => [
      field,
      { customHealthCheckConfig: new fc.CustomHealthCheckConfig({ httpGetUrl: "/", [field]: value }) },
      new RegExp(`customHealthCheckConfig\\.${field}: expected an integer from ${range} .*, got ${value}`),
    ]),
    [
      "custom-container with a package",
      { runtime: "custom-container", customContainerConfig: new fc.CustomContainerConfig({ image: "greeter:1" }) },
      /code: expected nothing with runtime custom-container, where the image is the code/,
    ],
    [
      "an image for a program",
      { customContainerConfig: new fc.CustomContainerConfig({ image: "greeter:1" }) },
      /customContainerConfig: expected runtime custom-container with an image, got runtime custom\.debian10/,
    ],
    ["no code", { code: undefined }, /code: expected an object with zipFile, got nothing/],
    ["a language", { runtime: "python3" }, /runtime: expected one of custom/],
    ["layers", { layers: ["arn"] }, /layers: expected an empty list \(this version of Sluice has no layers/],
    ["FC_ variables", { environmentVariables: { FC_X: "1" } }, /environmentVariables\.FC_X: expected a key/],
    ["variable names", { environmentVariables: { "1A": "1" } }, /environmentVariables: expected a map.*not repeated/],
    ["much environment", { environmentVariables: { A: "x".repeat(4096) } }, /at most 4096 bytes in all, got 4097/],
    [
      "no zip",
      { code: new fc.Code({ zipFile: Buffer.from("no zip at all, really").toString("base64") }) },
      /code\.zipFile: The zip cannot be read/,
    ],
    ["no base64", { code: new fc.Code({ zipFile: "!!!" }) }, /code\.zipFile: expected the zip as a base64 text/],
    [
      "OSS",
      { code: new fc.Code({ ossBucketName: "b", ossObjectName: "o" }) },
      /code\.zipFile: .*no code from OSS.*got nothing/,
    ],
    ["the name", { functionName: "a".repeat(65) }, /functionName: expected a name of at most 64/],
  ];
  for (const [what, settings, message] of refused) {
    test(`${what} out of its range is refused by field, rule and value, and nothing is kept`, () =>
      withControl(async (underTest) => {
        await assert.rejects(createFunction(underTest, settings), { code: "InvalidArgument", message });
        assert.equal(
          (await underTest.sdk.listFunctions("svc", new fc.ListFunctionsRequest({}))).body.functions?.length,
          0,
        );
      }));
  }

  test("X-Fc-Code-Checksum is verified", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      const { port } = new URL(underTest.url);
      const body = JSON.stringify({ code: { zipFile: zipOf("new") } });
      const path = "/2021-04-06/services/svc/functions/fn";
      const put = (checksum: string) =>
        send(Number(port), { method: "PUT", path, body, headers: { "x-fc-code-checksum": checksum } });
      const wrong = await put("1");
      assert.equal(wrong.status, 400);
      assert.match(String(wrong.json()["Message"]), /X-Fc-Code-Checksum: expected \d+, .*got 1/);
      assert.equal((await put(crc64(Buffer.from(zipOf("new"), "base64")))).status, 200);
    }));

  test("what is missing is told apart: service or function; parents with children stay", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      await assert.rejects(sdk.getFunction("no", "fn", get), { code: "ServiceNotFound" });
      await assert.rejects(sdk.getFunction("svc", "no", get), {
        code: "FunctionNotFound",
        message: /does not exist in service 'svc'/,
      });
      await assert.rejects(sdk.getFunction("svc", "fn", new fc.GetFunctionRequest({ qualifier: "prod" })), {
        code: "AliasNotFound",
      });
      await assert.rejects(sdk.listFunctions("no", new fc.ListFunctionsRequest({})), { code: "ServiceNotFound" });
      const again = new fc.CreateFunctionRequest({ functionName: "fn", runtime: "custom", code: codeOf() });
      await assert.rejects(sdk.createFunction("svc", again), { code: "FunctionAlreadyExists" });
      await assert.rejects(sdk.deleteFunction("svc", "fn"), {
        code: "FunctionNotEmpty",
        message: /has active triggers/,
      });
      await sdk.deleteTrigger("svc", "fn", "http");
      await sdk.deleteFunction("svc", "fn");
      assert.deepEqual((underTest.main.last as Delta).delete, ["function/svc/fn"]);
    }));

  test("a start later everything is as it was, and packages that no function names any more are gone", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sluice-control-"));
    try {
      const first = await openControl(dataDir);
      const created = await createFunction(first);
      const { body } = await first.sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ code: codeOf("2") }));
      const revisionId = lastRevision(first)?.id;
      assert.notEqual(body.codeChecksum, created.body.codeChecksum);
      assert.equal((await readdir(join(dataDir, "code"))).length, 4);
      await first.control.close();

      const second = await openControl(dataDir);
      assert.equal((await readdir(join(dataDir, "code"))).length, 2);
      assert.deepEqual((await second.sdk.getFunction("svc", "fn", get)).body.toMap(), body.toMap());
      const snapshot = second.main.received[0] as Snapshot;
      assert.equal(snapshot.at, 3);
      assert.equal(snapshot.entries[0]?.kind === "function" && snapshot.entries[0].revision.id, revisionId);
      await second.control.close();
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
});
