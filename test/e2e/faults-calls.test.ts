/** What can go wrong in a call: instances killed, hung, too slow, or speaking nonsense, and what the caller is told. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { callOnce, folderOf, goMissing, type Job, runJob, testPrograms } from "../support/clients.ts";
import { descendantsOf } from "../support/processes.ts";
import { fc, sdkOf } from "../support/sdk.ts";
import { eventually, type Info, Sluice, type TestFunction } from "../support/sluice.ts";

const NO_TRAILERS = /^server closed the stream without sending trailers: /;
const QUEUE_CALLS_MAX = 20;
const TIMEOUT_MS = 1000;

/** Answers that break HTTP/2 or gRPC, and what is said of them. */
const BAD_ANSWERS: readonly (readonly [mode: string, words: RegExp])[] = [
  ["no-trailers", /without trailers/],
  ["no-grpc-status", /valid grpc-status/],
  ["headers-only", /without a status/],
  ["huge-headers", /header block/],
  ["huge-trailers", /header block/],
  ["no-status", /:status/],
  ["uppercase-header", /upper case/],
  ["data-first", /DATA/],
  ["data-on-stream-0", /DATA on stream 0/],
  ["oversized-frame", /frame of/],
  ["overflows-window", /WINDOW_UPDATE|window/],
  ["settings-flood", /too many such frames/],
];

describe("faults of calls", { skip: goMissing, concurrency: true }, () => {
  let sluice: Sluice;
  let infos: ReadonlyMap<string, Info>;

  before(async () => {
    const { go } = await testPrograms();
    /** Its name is an argument too, so that its processes can be told from the others'. */
    const functionOf = (
      program: "echo" | "evil",
      name: string,
      more: Readonly<Record<string, unknown>> = {},
    ): TestFunction => ({
      name,
      codeUri: folderOf(go[program]),
      function: { instanceConcurrency: 10, customRuntimeConfig: { command: [`./${program}`, name] }, ...more },
    });
    sluice = await Sluice.start({
      isolation: "auto",
      configuration: { queueCallsMax: QUEUE_CALLS_MAX, startsAtOnceMax: 30 },
    });
    infos = await sluice.deployAll([
      functionOf("echo", "killed-early"),
      functionOf("echo", "killed-amid"),
      functionOf("echo", "alone", { instanceConcurrency: 1, timeout: TIMEOUT_MS / 1000 }),
      functionOf("echo", "shared", { timeout: TIMEOUT_MS / 1000 }),
      functionOf("echo", "deadline", { instanceConcurrency: 1 }),
      functionOf("echo", "stopped"),
      functionOf("echo", "counted", { instanceConcurrency: 3 }),
      functionOf("echo", "one-stream", { environmentVariables: { MAX_CONCURRENT_STREAMS: "1" } }),
      functionOf("echo", "starting", { instanceConcurrency: 200, environmentVariables: { START_DELAY_MS: "3000" } }),
      functionOf("evil", "evil"),
      functionOf("evil", "leaver"),
    ]);
  });
  after(() => sluice.stop());

  function infoOf(name: string): Info {
    const info = infos.get(name);
    assert.ok(info, name);
    return info;
  }

  const once = (name: string, job: Job = {}) => callOnce(sluice, infoOf(name), job);

  const withId = (job: Job, id: string): Job => ({ ...job, metadata: { ...job.metadata, "x-call-id": id } });

  /** Resolves when the function has written that the call is there. */
  async function untilStarted(name: string, id: string): Promise<void> {
    await eventually(`call ${id} at the function`, async () =>
      (await sluice.logs(`test/${name}`)).some(({ text }) => text.startsWith(`start ${id} `)),
    );
  }

  /** The process of the function's only instance. */
  function processOf(name: string): Promise<number> {
    return eventually(`one process of ${name}`, () => {
      const found = descendantsOf(sluice.endpoint.pid).filter(({ commandLine }) =>
        commandLine.startsWith(`./echo ${name}`),
      );
      return found.length === 1 ? found[0]?.pid : undefined;
    });
  }

  for (const [name, job, messagesMin] of [
    ["killed-early", { metadata: { "x-sleep-ms": "30000" } }, 0],
    ["killed-amid", { kind: "serverStream", metadata: { "x-repeat": "9999", "x-interval-ms": "10" } }, 1],
  ] as const) {
    test(`kill -9 (${name}): 13 FunctionExited within 100 ms (median of 5), the next call gets a new instance`, async () => {
      const tookMs: number[] = [];
      for (let round = 0; round < 5; round++) {
        assert.equal((await once(name)).code, "OK");
        const pid = await processOf(name);
        const open = once(name, withId(job, `${name}-${round}`));
        await untilStarted(name, `${name}-${round}`);
        process.kill(pid, "SIGKILL");
        const killedAt = performance.now();
        const got = await open;
        tookMs.push(performance.now() - killedAt);
        assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionExited"]);
        assert.match(got.message, NO_TRAILERS);
        assert.match(got.message, /killed by SIGKILL/);
        assert.ok(got.messages >= messagesMin, "what was sent before has arrived");
      }
      assert.equal((await once(name)).code, "OK");
      tookMs.sort((a, b) => a - b);
      assert.ok((tookMs[2] ?? 0) < 100, tookMs.join(", "));
    });
  }

  test("function timeout: 13 FunctionTimeout within a second; an instance with one slot is replaced", async () => {
    assert.equal((await once("alone")).code, "OK");
    const old = await processOf("alone");
    const got = await once("alone", { metadata: { "x-sleep-ms": "20000" } });
    assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionTimeout"]);
    assert.match(got.message, NO_TRAILERS);
    assert.ok(got.latencyMs >= TIMEOUT_MS && got.latencyMs < TIMEOUT_MS + 1000, `${got.latencyMs} ms`);
    assert.equal((await once("alone")).code, "OK");
    assert.notEqual(await processOf("alone"), old);
  });

  test("function timeout in the middle of a stream with other calls: its trailers say so, the others go on", async () => {
    assert.equal((await once("shared")).code, "OK");
    const before = await processOf("shared");
    const stream = once("shared", {
      kind: "serverStream",
      metadata: { "x-repeat": "9999", "x-interval-ms": "50" },
    });
    await sleep(TIMEOUT_MS / 2);
    const other = once("shared", { metadata: { "x-sleep-ms": "800" } });
    const got = await stream;
    assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionTimeout"]);
    assert.ok(got.messages > 1);
    assert.equal((await other).code, "OK");
    assert.equal((await once("shared")).code, "OK");
    assert.equal(await processOf("shared"), before);
  });

  test("the client's deadline: 4, the function sees the reset within 100 ms, and its only slot is free", async () => {
    const sdk = await sdkOf(sluice);
    const limit = new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount: 1 });
    await sdk.putFunctionOnDemandConfig("test", "deadline", limit);
    assert.equal((await once("deadline")).code, "OK");
    const before = await processOf("deadline");
    const DEADLINE_MS = 300;
    const got = await once("deadline", {
      deadlineMs: DEADLINE_MS,
      metadata: { "x-sleep-ms": "30000", "x-call-id": "late" },
    });
    assert.equal(got.code, "DEADLINE_EXCEEDED");
    const next = await once("deadline", { deadlineMs: 2000 });
    assert.equal(next.code, "OK");
    assert.ok(next.latencyMs < 1000, `${next.latencyMs} ms`);
    assert.equal(await processOf("deadline"), before, "the only instance");
    const [startedAt, cancelledAt] = await eventually("both lines", async () => {
      const lines = (await sluice.logs("test/deadline")).map((line) => line.text.split(" "));
      const at = (event: string) => Number(lines.find((words) => words[0] === event && words[1] === "late")?.at(-1));
      return at("cancelled") > 0 ? ([at("start"), at("cancelled")] as const) : undefined;
    });
    assert.ok(cancelledAt - startedAt < DEADLINE_MS + 100, `${cancelledAt - startedAt} ms`);
  });

  test("SIGSTOP with a call open: 13 FunctionUnresponsive after about 20 s, and the next call is served elsewhere", async () => {
    assert.equal((await once("stopped")).code, "OK");
    const pid = await processOf("stopped");
    const stream: Job = { kind: "serverStream", metadata: { "x-repeat": "9999", "x-interval-ms": "50" } };
    const open = once("stopped", withId(stream, "stopped"));
    await untilStarted("stopped", "stopped");
    process.kill(pid, "SIGSTOP");
    const stoppedAt = performance.now();
    const got = await open;
    const tookMs = performance.now() - stoppedAt;
    assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionUnresponsive"]);
    assert.match(got.message, NO_TRAILERS);
    assert.ok(got.messages > 0);
    assert.ok(tookMs > 15_000 && tookMs < 25_000, `${tookMs} ms`);
    assert.equal((await once("stopped", { deadlineMs: 10_000 })).code, "OK");
    assert.notEqual(await processOf("stopped"), pid);
  });

  test("an answer that breaks HTTP/2 or gRPC is 13 BadResponse, and the next call is served", async () => {
    for (const [mode, words] of BAD_ANSWERS) {
      const got = await once("evil", { metadata: { "x-evil": mode }, kind: "serverStream", deadlineMs: 10_000 });
      assert.deepEqual([got.code, got.errorType], ["INTERNAL", "BadResponse"], mode);
      assert.match(got.message, NO_TRAILERS, mode);
      assert.match(got.message, words, mode);
      assert.equal((await once("evil", { payload: "evil", deadlineMs: 10_000 })).code, "OK", `after ${mode}`);
    }
    const cut = await once("evil", { metadata: { "x-evil": "cut-message" }, payload: "evil" });
    assert.notEqual(cut.code, "OK", "a message that is cut");
    assert.equal((await sluice.info("test", "evil")).instances.length, 1, "one instance all the time");
  });

  test("GOAWAY, REFUSED_STREAM: no fault where the call was not seen, else 13 or 14 with its reason", async () => {
    const cases: readonly (readonly [mode: string, code: string, errorType: string])[] = [
      ["rst-refuse-once", "OK", ""],
      ["goaway-after", "OK", ""],
      ["goaway-during", "OK", ""],
      ["goaway-unseen", "OK", ""],
      ["goaway-error", "INTERNAL", "FunctionExited"],
      ["closes-connection", "INTERNAL", "FunctionExited"],
    ];
    for (const [mode, code, errorType] of cases) {
      const got = await once("leaver", { metadata: { "x-evil": mode }, payload: "evil", deadlineMs: 10_000 });
      assert.deepEqual([got.code, got.errorType], [code, errorType], mode);
    }
    const refused = await once("leaver", { metadata: { "x-evil": "rst", "x-rst-code": "7" }, deadlineMs: 10_000 });
    assert.equal(refused.code, "UNAVAILABLE");
    assert.equal((await sluice.info("test", "leaver")).instances.length, 1, "one instance all the time");
  });

  test("a server that allows one stream on a connection never has two, whatever instanceConcurrency says", async () => {
    const report = await runJob(sluice, infoOf("one-stream"), {
      calls: 15,
      workers: 15,
      metadata: { "x-sleep-ms": "50" },
      deadlineMs: 20_000,
    });
    assert.deepEqual(report.codes, { OK: 15 });
    assert.equal(report.peakCalls, 1);
  });

  test("a function never has more calls at once than instanceConcurrency, as it counts itself", async () => {
    const report = await runJob(sluice, infoOf("counted"), {
      calls: 200,
      workers: 12,
      connections: 3,
      metadata: { "x-sleep-ms": "20" },
      deadlineMs: 20_000,
    });
    assert.deepEqual(report.codes, { OK: 200 });
    assert.equal(report.peakCalls, 3);
  });

  test("calls beyond the queue are 8 ResourceExhausted at once, those in it are served", async () => {
    const BEYOND = 10;
    const report = await runJob(sluice, infoOf("starting"), {
      calls: QUEUE_CALLS_MAX + BEYOND,
      workers: QUEUE_CALLS_MAX + BEYOND,
      deadlineMs: 20_000,
    });
    assert.deepEqual(report.codes, { OK: QUEUE_CALLS_MAX, RESOURCE_EXHAUSTED: BEYOND });
    for (const call of report.details.filter((detail) => detail.code !== "OK")) {
      assert.equal(call.trailers?.["x-fc-error-type"]?.[0], "ResourceExhausted");
      assert.ok(call.latencyMs < 1000, `${call.latencyMs} ms`);
    }
  });

  for (const kind of ["clientStream", "bidi"] as const) {
    test(`a server that ends a ${kind} call early: its status arrives while the client still has to send`, async () => {
      const got = await once("leaver", { kind, holdMs: 5000, metadata: { "x-evil": "early-trailers" } });
      assert.deepEqual([got.code, got.errorType], ["FAILED_PRECONDITION", ""]);
      assert.ok(got.latencyMs < 4000, `${got.latencyMs} ms`);
    });
  }
});
