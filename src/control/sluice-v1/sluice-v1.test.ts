import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  callLine,
  type FunctionInfo,
  type FunctionStatus,
  functionKey,
  type InstanceId,
  type LogRecord,
  type RevisionId,
} from "../../model/model.ts";
import { usage } from "../../store/testing/samples.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, createTrigger, publish } from "../testing/samples.ts";
import { open, send } from "../testing/signed-request.ts";

const key = functionKey("svc", "fn");

/** Asked for by its name. */
async function infosOf({ apiPort }: ControlUnderTest["control"], functionName: string): Promise<FunctionInfo[]> {
  const answer = await send(apiPort, { path: `/sluice/v1/services/svc/functions/${functionName}` });
  assert.equal(answer.status, 200);
  return (answer.json() as unknown as { functions: FunctionInfo[] }).functions;
}

async function infoOf({ control }: ControlUnderTest): Promise<FunctionInfo> {
  const answer = await send(control.apiPort, { path: "/sluice/v1/functions" });
  assert.equal(answer.status, 200);
  const { functions } = answer.json() as unknown as { functions: FunctionInfo[] };
  const [info] = functions;
  assert.ok(info !== undefined && functions.length === 1);
  assert.deepEqual(await infosOf(control, info.functionName), functions);
  return info;
}

/** Reports a status and lets it arrive. */
async function report(underTest: ControlUnderTest, status: Partial<FunctionStatus>): Promise<void> {
  underTest.main.report({ functions: [{ function: key, instances: [], ...status }] });
  await new Promise((resolve) => setImmediate(resolve));
}

describe("GET /sluice/v1/functions", () => {
  test("how a function is reached, its revisions and its instances", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      const { body } = await createTrigger(underTest);
      const instance = {
        instanceId: "c-1" as InstanceId,
        revisionId: "r1" as RevisionId,
        phase: "ready" as const,
        openCalls: 2,
        startedAt: 5,
      };
      await report(underTest, { serving: "r1" as RevisionId, instances: [instance] });
      const info = await infoOf(underTest);
      assert.equal(info.serviceName, "svc");
      assert.equal(info.functionName, "fn");
      assert.equal(info.runtime, "custom.debian10");
      assert.equal(info.urlInternet, body.urlInternet);
      assert.equal(`https://${info.host}:8089`, body.urlInternet);
      assert.deepEqual([info.callable, info.reason], [true, undefined]);
      assert.deepEqual(info.instances, [instance]);
      assert.equal(info.servingRevisionId, "r1");
      assert.match(info.revisionId, /^[0-9a-f]{16}$/);
    }));

  test("a function is shown under each qualifier that a trigger leads to, LATEST first, with its own state", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      await createFunction(underTest, { memorySize: 128 });
      await publish(underTest);
      await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ timeout: 7, code: codeOf("second") }));
      await publish(underTest);
      const alias = { aliasName: "prod", versionId: "1", additionalVersionWeight: { "2": 0.25 } };
      await sdk.createAlias("svc", new fc.CreateAliasRequest(alias));
      const prod = await createTrigger(underTest, {}, { triggerName: "a", qualifier: "prod" });
      const latest = await createTrigger(underTest, {}, { triggerName: "b" });
      const serving = "r1" as RevisionId;
      underTest.main.report({ functions: [{ function: functionKey("svc", "fn", "prod"), instances: [], serving }] });
      const { functions } = (
        await send(underTest.control.apiPort, { path: "/sluice/v1/functions" })
      ).json() as unknown as {
        functions: FunctionInfo[];
      };
      const another = { functionName: "fn2", runtime: "custom", handler: "h", code: codeOf("x") };
      await sdk.createFunction("svc", new fc.CreateFunctionRequest(another));
      assert.deepEqual(await infosOf(underTest.control, "fn"), functions);
      assert.deepEqual(await infosOf(underTest.control, "none"), []);
      const short = functions.map(({ qualifier, versionId, timeout, urlInternet, callable, servingRevisionId }) => {
        return { qualifier, versionId, timeout, urlInternet, callable, servingRevisionId };
      });
      const both = { callable: true, servingRevisionId: undefined };
      assert.deepEqual(short, [
        { ...both, qualifier: "LATEST", versionId: undefined, timeout: 7, urlInternet: latest.body.urlInternet },
        {
          ...both,
          qualifier: "prod",
          versionId: "1",
          timeout: 60,
          urlInternet: prod.body.urlInternet,
          servingRevisionId: "r1",
        },
      ]);
      assert.equal(functions[0]?.additionalVersions, undefined);
      const [other] = functions[1]?.additionalVersions ?? [];
      assert.deepEqual([other?.versionId, other?.weight], ["2", 0.25]);
      assert.notEqual(other?.revisionId, functions[1]?.revisionId);
    }));

  const notCallable: [what: string, trigger: object | undefined, reason: RegExp][] = [
    ["no trigger", undefined, /no http trigger/],
    ["no POST", { methods: ["GET"] }, /allows GET, and gRPC needs POST/],
    ["its URL disabled", { disableURLInternet: true }, /internet URL is disabled/],
  ];
  for (const [what, trigger, reason] of notCallable) {
    test(`with ${what} a function is not callable, and the reason says why`, () =>
      withControl(async (underTest) => {
        await createFunction(underTest);
        if (trigger !== undefined) await createTrigger(underTest, trigger);
        const info = await infoOf(underTest);
        assert.equal(info.callable, false);
        assert.match(info.reason ?? "", reason);
      }));
  }

  test("a start that failed is told; one that works clears it; a failed newer revision does not stop calls", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await createTrigger(underTest);
      const lastStartFailure = { errorType: "CAExited", message: "exit code 1", stderrTail: "panic" } as const;
      await report(underTest, { serving: "r1" as RevisionId, lastStartFailure });
      const failed = await infoOf(underTest);
      assert.equal(failed.callable, false);
      assert.equal(failed.reason, "its last start failed: CAExited: exit code 1");
      assert.deepEqual(failed.lastStartFailure, lastStartFailure);
      await report(underTest, { serving: "r1" as RevisionId });
      assert.equal((await infoOf(underTest)).callable, true);

      await underTest.sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ code: codeOf("2") }));
      const next = { revisionId: "r2" as RevisionId, state: "failed" as const, reason: "exit code 2" };
      await report(underTest, { serving: "r1" as RevisionId, next });
      const kept = await infoOf(underTest);
      assert.equal(kept.callable, true);
      assert.equal(kept.reason, "revision 2 failed to start, 1 serves: exit code 2");
      assert.deepEqual(kept.next, next);
    }));

  test("a package without bootstrap is told before the first start", () =>
    withControl(async (underTest) => {
      const { rawZip } = await import("../code/testing/raw-zip.ts");
      const code = new fc.Code({ zipFile: rawZip([{ name: "main.py", content: "1" }]).toString("base64") });
      await createFunction(underTest, { code });
      await createTrigger(underTest);
      const info = await infoOf(underTest);
      assert.deepEqual([info.callable, info.hasStartCommand], [false, false]);
      assert.match(info.reason ?? "", /no bootstrap at the root/);
    }));
});

describe("GET /sluice/v1/logs", () => {
  const line = (text: string, at = 1) => ({ function: key, at, source: "stdout" as const, text });

  test("follow: a line is at the client within 200 ms of its arrival, and the stream ends with the client", () =>
    withControl(async ({ control, main }) => {
      main.report({ lines: [line("past")] });
      const abort = new AbortController();
      const response = await open(
        control.apiPort,
        { path: "/sluice/v1/logs?function=svc%2Ffn&follow=1" },
        abort.signal,
      );
      assert.equal(response.statusCode, 200);
      assert.equal(response.headers["content-type"], "application/jsonl");
      const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const next = async () => JSON.parse(String((await chunks.next()).value)) as LogRecord;
      assert.equal((await next()).text, "past");
      for (let index = 0; index < 5; index += 1) {
        const sentAt = performance.now();
        main.report({ lines: [line(`new ${index}`)] });
        assert.equal((await next()).text, `new ${index}`);
        assert.ok(performance.now() - sentAt < 200);
      }
      abort.abort();
    }));

  test("follow with nothing to tell: the head comes at once", () =>
    withControl(async ({ control }) => {
      const abort = new AbortController();
      const response = await open(control.apiPort, { path: "/sluice/v1/logs?follow=1" }, abort.signal);
      assert.equal(response.statusCode, 200);
      response.on("error", () => {});
      abort.abort();
    }));

  test("without follow it ends; by request id and time", () =>
    withControl(async ({ control, main }) => {
      const call = { function: key, requestId: "r-1", method: "/a.B/C", at: 9, durationMs: 1, grpcStatus: 0 };
      const lines = Buffer.from(callLine({ ...call, instanceId: undefined, cause: undefined }));
      main.report({ lines: [line("early", 1), line("late", 8)], calls: [{ function: key, lines, count: 1 }] });
      const read = async (query: string) => {
        const { text } = await send(control.apiPort, { path: `/sluice/v1/logs?${query}` });
        return text
          .split("\n")
          .slice(0, -1)
          .map((each) => (JSON.parse(each) as LogRecord).source);
      };
      assert.deepEqual(await read("function=svc%2Ffn"), ["stdout", "stdout", "call"]);
      assert.deepEqual(await read("sinceMs=8"), ["stdout", "call"]);
      assert.deepEqual(await read("requestId=r-1"), ["call"]);
      for (const query of ["function=..%2F..%2Fetc", "function=a", "sinceMs=yesterday"]) {
        assert.equal((await send(control.apiPort, { path: `/sluice/v1/logs?${query}` })).status, 400, query);
      }
    }));
});

test("GET /sluice/v1/usage: totals of each function, those that just arrived too", () =>
  withControl(async ({ control, main }) => {
    main.report({ usage: [usage("i", 0, 100, 3), usage("j", 0, 50, 1, { memoryMb: 1024 })] });
    await new Promise((resolve) => setImmediate(resolve));
    const answer = await send(control.apiPort, { path: "/sluice/v1/usage" });
    const rows = (answer.json()["usage"] as Record<string, unknown>[]).map((row) => [
      row["function"],
      row["memoryMb"],
      row["calls"],
      row["busyMs"],
    ]);
    assert.deepEqual(rows, [
      ["s/f", 512, 3, 100],
      ["s/f", 1024, 1, 50],
    ]);
  }));

test("GET /sluice/v1/health: what is stored and what is applied", () =>
  withControl(async (underTest) => {
    await createFunction(underTest);
    const health = (await send(underTest.control.apiPort, { path: "/sluice/v1/health" })).json();
    const { controlId, ...rest } = health;
    assert.match(String(controlId), /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      status: "ok",
      appliedAt: 2,
      storedAt: 2,
      droppedLogLines: 0,
      pendingUsageRecords: 0,
    });
  }));

test("Sluice's endpoints ask for a signature as the API does", () =>
  withControl(async ({ control }) => {
    for (const path of ["functions", "logs", "usage", "health", "keys", "audit", "backup"]) {
      const answer = await send(control.apiPort, { path: `/sluice/v1/${path}`, headers: { authorization: undefined } });
      assert.equal(answer.json()["Code"], "MissingRequiredHeader");
    }
  }));
