import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RuntimeOptions } from "@alicloud/tea-util";
import { type Delta, type ErrorType, fault, type InstanceId, type InvocationAnswer } from "../../model/model.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, publish } from "../testing/samples.ts";
import { open, send } from "../testing/signed-request.ts";

const PATH = "/2021-04-06/services/svc/functions/fn/invocations";
const run = { instanceId: "c-1" as InstanceId, durationMs: 11.2 };

type Answered = Extract<InvocationAnswer, { kind: "answered" }>;

function answered(about: Partial<Answered> = {}): Answered {
  const usual = { httpStatus: 200, contentType: "", fcStatus: "", isGrpc: false, body: Buffer.from("done") };
  return { kind: "answered", ...usual, run, ...about };
}

function invoke({ sdk }: ControlUnderTest, body: string, headers: object = {}, qualifier?: string) {
  const request = new fc.InvokeFunctionRequest({ body: Buffer.from(body), ...(qualifier && { qualifier }) });
  const runtime = new RuntimeOptions({}) as never;
  return sdk.invokeFunctionWithOptions("svc", "fn", request, new fc.InvokeFunctionHeaders(headers), runtime);
}

describe("InvokeFunction", () => {
  test("through the official SDK: the event reaches the main loop, the answer and its headers come back", () =>
    withControl(async (underTest) => {
      const created = await createFunction(underTest);
      const { body, headers } = await invoke(underTest, '{"a":1}');
      assert.equal(Buffer.from(body).toString(), '{"a":1}');
      const [request] = underTest.main.invoked;
      assert.equal(request?.function, "svc/fn");
      assert.equal(request?.requestId, headers["x-fc-request-id"]);
      assert.equal(headers["x-fc-invocation-duration"], "2");
      assert.equal(headers["x-fc-invocation-service-version"], "LATEST");
      assert.equal(headers["x-fc-code-checksum"], created.body.codeChecksum);
      assert.equal(headers["x-fc-instance-id"], "c-1");
      assert.equal(headers["x-fc-error-type"], undefined);
      assert.equal(headers["content-type"], "text/plain");
    }));

  test("an event is opaque bytes, up to 32 MiB, and may come in chunks", () =>
    withControl(async (underTest) => {
      const { control, main } = underTest;
      await createFunction(underTest);
      const bytes = Buffer.from([0, 255, 254, 123, 10, 0]);
      const answer = await open(control.apiPort, {
        method: "POST",
        path: PATH,
        body: bytes,
        headers: { "transfer-encoding": "chunked" },
      });
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part as Buffer);
      assert.ok(Buffer.concat(parts).equals(bytes));
      const large = Buffer.alloc(32 * 1024 * 1024, 7);
      assert.equal((await send(control.apiPort, { method: "POST", path: PATH, body: large })).status, 200);
      assert.ok(large.equals(main.invoked.at(-1)?.event ?? Buffer.alloc(0)));
      const over = await send(control.apiPort, { method: "POST", path: PATH, body: Buffer.alloc(large.length + 1) });
      assert.equal(over.json()["Code"], "EntityTooLarge");
    }));

  test("under a version or alias that nothing else leads to, the data plane gets it first, and follows its changes", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      const keys = () => (main.last as Delta).put.map((entry) => entry.kind === "function" && entry.revision.versionId);
      const before = main.received.length;
      await Promise.all([invoke(underTest, "", {}, "prod"), invoke(underTest, "", {}, "prod")]);
      assert.equal(main.received.length, before + 1);
      assert.deepEqual(keys(), ["1"]);
      assert.deepEqual(
        main.invoked.map((each) => each.function),
        ["svc.prod/fn", "svc.prod/fn"],
      );
      await sdk.updateAlias("svc", "prod", new fc.UpdateAliasRequest({ versionId: "2" }));
      assert.deepEqual(keys(), ["2"]);
      await sdk.deleteAlias("svc", "prod");
      assert.deepEqual((main.last as Delta).delete, ["function/svc.prod/fn"]);
      await assert.rejects(invoke(underTest, "", {}, "prod"), { code: "AliasNotFound" });
      await invoke(underTest, "", {}, "1");
      await sdk.deleteServiceVersion("svc", "1");
      assert.deepEqual((main.last as Delta).delete, ["function/svc.1/fn"]);
      await assert.rejects(invoke(underTest, "", {}, "1"), { code: "VersionNotFound" });
    }));

  test("what a function says of its failure is passed on with status 200 and X-Fc-Error-Type", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      const handled = [answered({ httpStatus: 500 }), answered({ fcStatus: "404" }), answered({ httpStatus: 301 })];
      for (const answer of handled) {
        underTest.main.answer = () => answer;
        const { body, headers, statusCode } = await invoke(underTest, "");
        assert.equal(statusCode, 200);
        assert.equal(Buffer.from(body).toString(), "done");
        assert.equal(headers["x-fc-error-type"], "HandledInvocationError");
      }
      underTest.main.answer = () => answered({ fcStatus: "200" });
      assert.equal((await invoke(underTest, "")).headers["x-fc-error-type"], undefined);
    }));

  test("what the platform sees a function fail of is told as JSON with status 200", () =>
    withControl(async (underTest) => {
      await createFunction(underTest, { timeout: 7 });
      const fail = (type: ErrorType): InvocationAnswer => ({ kind: "fault", fault: fault(type, "because"), run });
      const failures: [InvocationAnswer, RegExp][] = [
        [fail("FunctionTimeout"), /^Function time out after 7 seconds \(duration: 12ms\)$/],
        [fail("FunctionExited"), /^Process exited unexpectedly before completing request \(duration: 12ms\): because$/],
        [fail("FunctionOOM"), /^Process exited unexpectedly before completing request/],
        [fail("FunctionReset"), /^because$/],
        [answered({ isGrpc: true, httpStatus: 415 }), /serves gRPC and no POST \/invoke: call it by gRPC/],
      ];
      for (const [answer, message] of failures) {
        underTest.main.answer = () => answer;
        const { body, headers, statusCode } = await invoke(underTest, "");
        assert.equal(statusCode, 200);
        assert.equal(headers["x-fc-error-type"], "UnhandledInvocationError");
        const told = JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>;
        assert.deepEqual(Object.keys(told), ["errorMessage", "errorType", "stackTrace"]);
        assert.match(String(told["errorMessage"]), message);
      }
    }));

  test("what reached no function, or cannot be passed on, is an error of the API", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      const faults: [ErrorType, number, string][] = [
        ["CAExited", 412, "CAExited"],
        ["NotHttp2", 412, "NotHttp2"],
        ["ResourceExhausted", 429, "ResourceExhausted"],
        ["Unavailable", 503, "ServiceUnavailable"],
        ["BadResponse", 502, "BadResponse"],
        ["Internal", 500, "InternalServerError"],
      ];
      for (const [type, statusCode, code] of faults) {
        underTest.main.answer = () => ({ kind: "fault", fault: fault(type, "because") });
        const answer = await send(underTest.control.apiPort, { method: "POST", path: PATH });
        assert.equal(answer.json()["Code"], code);
        assert.equal(answer.status, statusCode, code);
      }
      await assert.rejects(underTest.sdk.invokeFunction("svc", "none", new fc.InvokeFunctionRequest({})), {
        code: "FunctionNotFound",
      });
    }));

  test("asynchronous invocation, unknown types and Tail where calls mix are refused", () =>
    withControl(async (underTest) => {
      await createFunction(underTest, { instanceConcurrency: 2 });
      const refused: [object, string, RegExp][] = [
        [{ xFcInvocationType: "Async" }, "FeatureNotSupported", /no asynchronous invocation/],
        [{ xFcStatefulAsyncInvocationEnable: "true" }, "FeatureNotSupported", /no asynchronous invocation/],
        [{ xFcInvocationType: "Later" }, "InvalidArgument", /X-Fc-Invocation-Type: expected Sync, got "Later"/],
        [{ xFcLogType: "Head" }, "InvalidArgument", /X-Fc-Log-Type: expected None or Tail/],
        [{ xFcLogType: "Tail" }, "InvalidArgument", /expected None with instanceConcurrency 2/],
      ];
      for (const [headers, code, message] of refused) {
        await assert.rejects(invoke(underTest, "", headers), { code, message });
      }
      assert.deepEqual(underTest.main.invoked, []);
      await invoke(underTest, "", { xFcInvocationType: "Sync", xFcLogType: "None" });
    }));

  test("Tail gives the last 4 KB that its instance printed meanwhile", () =>
    withControl(async (underTest) => {
      const { main } = underTest;
      await createFunction(underTest);
      const key = "svc/fn" as never;
      const at = Date.now() + 1000;
      const line = { function: key, at, source: "stdout" as const, instanceId: run.instanceId };
      main.answer = () => {
        const lines = [
          { ...line, text: "before", at: 1 },
          { ...line, text: "x".repeat(5000) },
          { ...line, text: "another's", instanceId: "c-2" as InstanceId },
          { ...line, text: "last", source: "stderr" as const },
        ];
        main.report({ lines });
        return answered();
      };
      const { headers } = await invoke(underTest, "", { xFcLogType: "Tail" });
      const log = Buffer.from(headers["x-fc-log-result"] ?? "", "base64").toString();
      assert.equal(log, `${"x".repeat(4096 - 6)}\nlast\n`);
    }));

  test("a caller that goes away cancels what it waited for", () =>
    withControl(async (underTest) => {
      const { control, main } = underTest;
      await createFunction(underTest);
      const came = Promise.withResolvers<void>();
      main.answer = () => void came.resolve();
      const controller = new AbortController();
      const gone = open(control.apiPort, { method: "POST", path: PATH }, controller.signal);
      await came.promise;
      controller.abort();
      await assert.rejects(gone);
      const endAt = Date.now() + 5000;
      while (main.cancelled.length === 0 && Date.now() < endAt) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(main.cancelled, [1]);
    }));
});
