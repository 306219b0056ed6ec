/** What can go wrong in a call: instances killed, hung, too slow, or speaking nonsense, and what the caller is told. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { ENDLESS, FaultBench, NO_TRAILERS, named } from "../support/fault-bench.ts";
import { cutCable, sandboxMissing } from "../support/sandbox.ts";
import { fc, sdkOf } from "../support/sdk.ts";
import { eventually, type TestFunction } from "../support/sluice.ts";

const QUEUE_CALLS_MAX = 20;
const QUEUE_WAIT_MS = 1500;
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

describe("faults of calls", { skip: goMissing }, () => {
  let bench: FaultBench;

  before(async () => {
    const { go } = await testPrograms();
    const functionOf = (
      program: "echo" | "evil",
      name: string,
      more: Readonly<Record<string, unknown>> = {},
    ): TestFunction => ({
      name,
      codeUri: folderOf(go[program]),
      function: { instanceConcurrency: 10, ...named(program, name), ...more },
    });
    const configuration = {
      queueCallsMax: QUEUE_CALLS_MAX,
      queueWaitAtLimitMs: QUEUE_WAIT_MS,
      startsAtOnceMax: 30,
      idleFreezeMs: 300,
    };
    bench = await FaultBench.start({ isolation: "auto", configuration }, [
      functionOf("echo", "killed-early"),
      functionOf("echo", "killed-amid"),
      functionOf("echo", "alone", { instanceConcurrency: 1, timeout: TIMEOUT_MS / 1000 }),
      functionOf("echo", "shared", { timeout: TIMEOUT_MS / 1000 }),
      functionOf("echo", "deadline", { instanceConcurrency: 1 }),
      functionOf("echo", "full", { instanceConcurrency: 1 }),
      functionOf("echo", "stopped"),
      functionOf("echo", "cut-off"),
      functionOf("echo", "asleep"),
      functionOf("echo", "exiting"),
      functionOf("echo", "counted", { instanceConcurrency: 3 }),
      functionOf("echo", "one-stream", { environmentVariables: { MAX_CONCURRENT_STREAMS: "1" } }),
      functionOf("echo", "starting", { instanceConcurrency: 200, environmentVariables: { START_DELAY_MS: "3000" } }),
      functionOf("evil", "evil"),
      functionOf("evil", "leaver"),
    ]);
  });
  after(() => bench.sluice.stop());

  async function limitToOne(name: string): Promise<void> {
    const sdk = await sdkOf(bench.sluice);
    const limit = new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount: 1 });
    await sdk.putFunctionOnDemandConfig("test", name, limit);
  }

  describe("in time, one after another", () => {
    for (const [name, job, messagesMin] of [
      ["killed-early", { metadata: { "x-sleep-ms": "30000" } }, 0],
      ["killed-amid", ENDLESS, 1],
    ] as const) {
      test(`kill -9 (${name}): 13 FunctionExited within 100 ms (median of 5), the next call gets a new instance`, async () => {
        const tookMs: number[] = [];
        for (let round = 0; round < 5; round++) {
          assert.equal((await bench.once(name)).code, "OK");
          const pid = await bench.processOf(name);
          const open = await bench.open(name, job);
          process.kill(pid, "SIGKILL");
          const killedAt = performance.now();
          const got = await open.end;
          tookMs.push(performance.now() - killedAt);
          assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionExited"]);
          assert.match(got.message, NO_TRAILERS);
          assert.match(got.message, /killed by SIGKILL/);
          assert.ok(got.messages >= messagesMin, "what was sent before has arrived");
        }
        assert.equal((await bench.once(name)).code, "OK");
        tookMs.sort((a, b) => a - b);
        assert.ok((tookMs[2] ?? 0) < 100, tookMs.join(", "));
      });
    }

    test("function timeout: 13 FunctionTimeout within a second; an instance with one slot is replaced", async () => {
      assert.equal((await bench.once("alone")).code, "OK");
      const old = await bench.processOf("alone");
      const got = await bench.once("alone", { metadata: { "x-sleep-ms": "20000" } });
      assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionTimeout"]);
      assert.match(got.message, NO_TRAILERS);
      assert.ok(got.latencyMs >= TIMEOUT_MS && got.latencyMs < TIMEOUT_MS + 1000, `${got.latencyMs} ms`);
      assert.equal((await bench.once("alone")).code, "OK");
      assert.notEqual(await bench.processOf("alone"), old);
    });

    test("the client's deadline: 4, the function sees the reset within 100 ms, and its only slot is free", async () => {
      await limitToOne("deadline");
      assert.equal((await bench.once("deadline")).code, "OK");
      const before = await bench.processOf("deadline");
      const DEADLINE_MS = 300;
      const got = await bench.once("deadline", {
        deadlineMs: DEADLINE_MS,
        metadata: { "x-sleep-ms": "30000", "x-call-id": "late" },
      });
      assert.equal(got.code, "DEADLINE_EXCEEDED");
      const next = await bench.once("deadline", { deadlineMs: 2000 });
      assert.equal(next.code, "OK");
      assert.ok(next.latencyMs < 1000, `${next.latencyMs} ms`);
      assert.equal(await bench.processOf("deadline"), before, "the only instance");
      const [startedAt, cancelledAt] = await eventually("both lines", async () => {
        const lines = (await bench.sluice.logs("test/deadline")).map((line) => line.text.split(" "));
        const at = (event: string) => Number(lines.find((words) => words[0] === event && words[1] === "late")?.at(-1));
        return at("cancelled") > 0 ? ([at("start"), at("cancelled")] as const) : undefined;
      });
      assert.ok(cancelledAt - startedAt < DEADLINE_MS + 100, `${cancelledAt - startedAt} ms`);
    });

    test("a program that exits in a call, whatever the code: 13 FunctionExited, and the next call is served", async () => {
      for (const code of ["0", "3"]) {
        const got = await bench.once("exiting", { metadata: { "x-exit": code } });
        assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionExited"]);
        assert.match(got.message, new RegExp(`the instance exited with code ${code} during the call`));
        assert.equal((await bench.once("exiting")).code, "OK");
      }
    });

    test("calls beyond the queue are 8 ResourceExhausted at once, those in it are served", async () => {
      const BEYOND = 10;
      const report = await runJob(bench.sluice, bench.infoOf("starting"), {
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

    test("a call that waits too long at maximumInstanceCount is 8 ResourceExhausted, and the call before it goes on", async () => {
      await limitToOne("full");
      const open = await bench.open("full", { metadata: { "x-sleep-ms": "4000" } });
      const got = await bench.once("full");
      assert.deepEqual([got.code, got.errorType], ["RESOURCE_EXHAUSTED", "ResourceExhausted"]);
      assert.match(got.message, /maximumInstanceCount/);
      assert.ok(got.latencyMs >= QUEUE_WAIT_MS && got.latencyMs < QUEUE_WAIT_MS + 1000, `${got.latencyMs} ms`);
      assert.equal((await open.end).code, "OK");
    });
  });

  describe("with others beside them", { concurrency: true }, () => {
    test("function timeout in the middle of a stream with other calls: its trailers say so, the others go on", async () => {
      assert.equal((await bench.once("shared")).code, "OK");
      const before = await bench.processOf("shared");
      const stream = bench.once("shared", ENDLESS);
      await sleep(TIMEOUT_MS / 2);
      const other = bench.once("shared", { metadata: { "x-sleep-ms": "800" } });
      const got = await stream;
      assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionTimeout"]);
      assert.ok(got.messages > 1);
      assert.equal((await other).code, "OK");
      assert.equal((await bench.once("shared")).code, "OK");
      assert.equal(await bench.processOf("shared"), before);
    });

    test("SIGSTOP with a call open: 13 FunctionUnresponsive after about 20 s, and the next call is served elsewhere", async () => {
      assert.equal((await bench.once("stopped")).code, "OK");
      const pid = await bench.processOf("stopped");
      const open = await bench.open("stopped");
      process.kill(pid, "SIGSTOP");
      const stoppedAt = performance.now();
      const got = await open.end;
      const tookMs = performance.now() - stoppedAt;
      assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionUnresponsive"]);
      assert.match(got.message, NO_TRAILERS);
      assert.ok(got.messages > 0);
      assert.ok(tookMs > 15_000 && tookMs < 25_000, `${tookMs} ms`);
      assert.equal((await bench.once("stopped", { deadlineMs: 10_000 })).code, "OK");
      assert.notEqual(await bench.processOf("stopped"), pid);
    });

    test("a cable that is cut with a call open: 13 FunctionUnresponsive after about 20 s, the next call is served", {
      skip: sandboxMissing,
    }, async () => {
      assert.equal((await bench.once("cut-off")).code, "OK");
      const pid = await bench.processOf("cut-off");
      const open = await bench.open("cut-off");
      cutCable(pid);
      const cutAt = performance.now();
      const got = await open.end;
      const tookMs = performance.now() - cutAt;
      assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionUnresponsive"]);
      assert.ok(tookMs > 15_000 && tookMs < 25_000, `${tookMs} ms`);
      assert.equal((await bench.once("cut-off", { deadlineMs: 10_000 })).code, "OK");
      assert.notEqual(await bench.processOf("cut-off"), pid);
    });

    test("kill -9 of an instance without calls, frozen where it can be: no call ever sees it", async () => {
      for (let round = 0; round < 3; round++) {
        assert.equal((await bench.once("asleep")).code, "OK");
        const pid = await bench.processOf("asleep");
        await sleep(500);
        process.kill(pid, "SIGKILL");
        if (round > 0) await sleep(round * 20);
        assert.equal((await bench.once("asleep")).code, "OK", `round ${round}`);
        assert.notEqual(await bench.processOf("asleep"), pid);
      }
    });

    test("an answer that breaks HTTP/2 or gRPC is 13 BadResponse, and the next call is served", async () => {
      for (const [mode, words] of BAD_ANSWERS) {
        const got = await bench.once("evil", {
          metadata: { "x-evil": mode },
          kind: "serverStream",
          deadlineMs: 10_000,
        });
        assert.deepEqual([got.code, got.errorType], ["INTERNAL", "BadResponse"], mode);
        assert.match(got.message, NO_TRAILERS, mode);
        assert.match(got.message, words, mode);
        assert.equal((await bench.once("evil", { payload: "evil", deadlineMs: 10_000 })).code, "OK", `after ${mode}`);
      }
      const cut = await bench.once("evil", { metadata: { "x-evil": "cut-message" }, payload: "evil" });
      assert.notEqual(cut.code, "OK", "a message that is cut");
      assert.equal((await bench.sluice.info("test", "evil")).instances.length, 1, "one instance all the time");
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
        const got = await bench.once("leaver", { metadata: { "x-evil": mode }, payload: "evil", deadlineMs: 10_000 });
        assert.deepEqual([got.code, got.errorType], [code, errorType], mode);
      }
      const refused = await bench.once("leaver", {
        metadata: { "x-evil": "rst", "x-rst-code": "7" },
        deadlineMs: 10_000,
      });
      assert.equal(refused.code, "UNAVAILABLE");
      assert.equal((await bench.sluice.info("test", "leaver")).instances.length, 1, "one instance all the time");
    });

    test("a server that allows one stream on a connection never has two, whatever instanceConcurrency says", async () => {
      const report = await runJob(bench.sluice, bench.infoOf("one-stream"), {
        calls: 15,
        workers: 15,
        metadata: { "x-sleep-ms": "50" },
        deadlineMs: 20_000,
      });
      assert.deepEqual(report.codes, { OK: 15 });
      assert.equal(report.peakCalls, 1);
    });

    test("a function never has more calls at once than instanceConcurrency, as it counts itself", async () => {
      const report = await runJob(bench.sluice, bench.infoOf("counted"), {
        calls: 200,
        workers: 12,
        connections: 3,
        metadata: { "x-sleep-ms": "20" },
        deadlineMs: 20_000,
      });
      assert.deepEqual(report.codes, { OK: 200 });
      assert.equal(report.peakCalls, 3);
    });

    for (const kind of ["clientStream", "bidi"] as const) {
      test(`a server that ends a ${kind} call early: its status arrives while the client still has to send`, async () => {
        const got = await bench.once("leaver", { kind, holdMs: 5000, metadata: { "x-evil": "early-trailers" } });
        assert.deepEqual([got.code, got.errorType], ["FAILED_PRECONDITION", ""]);
        assert.ok(got.latencyMs < 4000, `${got.latencyMs} ms`);
      });
    }
  });
});
