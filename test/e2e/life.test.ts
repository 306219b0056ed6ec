/** The life of instances with a real server: hooks, health, freezing. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { folderOf, goMissing, type Job, type JobReport, runJob, testPrograms } from "../support/clients.ts";
import { eventually, type Info, Sluice } from "../support/sluice.ts";

const IDLE_FREEZE_MS = 300;
const IDLE_STOP_MS = 2000;

describe("the life of an instance", { skip: goMissing }, () => {
  let sluice: Sluice;
  let echoDir: string;

  before(async () => {
    const { go } = await testPrograms();
    echoDir = folderOf(go.echo);
    sluice = await Sluice.start({
      isolation: "auto",
      configuration: { idleFreezeMs: IDLE_FREEZE_MS, idleStopMs: IDLE_STOP_MS },
    });
  });
  after(() => sluice.stop());

  function deployEcho(
    name: string,
    more: Readonly<Record<string, unknown>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Info> {
    return sluice.deploy({
      name,
      codeUri: echoDir,
      function: {
        instanceConcurrency: 10,
        customRuntimeConfig: { command: ["./echo"] },
        environmentVariables: { ...environment },
        ...more,
      },
    });
  }

  function call(info: Info, job: Job = {}): Promise<JobReport> {
    return runJob(sluice, info, { kind: "unary", payload: "life", deadlineMs: 10_000, ...job });
  }

  /** Waits until the function's only instance is in this phase. */
  function untilPhase(name: string, phase: string): Promise<Info> {
    return eventually(`an instance that is ${phase}`, async () => {
      const info = await sluice.info("test", name);
      return info.instances.length === 1 && info.instances[0]?.phase === phase ? info : undefined;
    });
  }

  async function printed(name: string): Promise<string[]> {
    const lines = await sluice.logs(`test/${name}`);
    return lines.filter((line) => line.text.startsWith("hook ")).map((line) => line.text);
  }

  test("hooks are asked in their order, with the headers of the runtime", async () => {
    const info = await deployEcho(
      "hooks",
      {
        initializer: "main.initialize",
        initializationTimeout: 5,
        instanceLifecycleConfig: {
          preFreeze: { handler: "main.preFreeze", timeout: 5 },
          preStop: { handler: "main.preStop", timeout: 5 },
        },
      },
      { HOOKS: "1" },
    );
    assert.deepEqual((await call(info)).codes, { OK: 1 });
    await untilPhase("hooks", "frozen");
    const after = await eventually("the instance to be stopped", async () => {
      const { instances } = await sluice.info("test", "hooks");
      return instances.length === 0 ? printed("hooks") : undefined;
    });
    assert.deepEqual(after, [
      "hook POST /initialize /initialize hooks",
      "hook GET /pre-freeze /pre-freeze hooks",
      "hook GET /pre-stop /pre-stop hooks",
    ]);
  });

  test("an /initialize that fails is Unavailable, with the reason", async () => {
    const info = await deployEcho("bad-initialize", { initializer: "x" }, { HOOKS: "1", INITIALIZE_STATUS: "500" });
    const { codes, errors } = await call(info);
    assert.deepEqual(codes, { UNAVAILABLE: 1 });
    assert.match(Object.keys(errors)[0] ?? "", /did not start: POST \/initialize was answered with HTTP 500/);
  });

  test("a gRPC server that serves no hooks works, and is told once", async () => {
    const info = await deployEcho("grpc-only", { initializer: "x" });
    assert.deepEqual((await call(info)).codes, { OK: 1 });
    const lines = await eventually("the warning", async () => {
      const all = (await sluice.logs("test/grpc-only")).filter((line) => /does not serve it/.test(line.text));
      return all.length > 0 ? all : undefined;
    });
    assert.equal(lines.length, 1);
  });

  for (const [name, environment] of [
    ["http-health", { HOOKS: "1" }],
    ["grpc-health", {}],
  ] as const) {
    test(`an unhealthy instance gets no new calls (${name})`, async () => {
      const info = await deployEcho(
        name,
        {
          customHealthCheckConfig: {
            httpGetUrl: "/health",
            initialDelaySeconds: 0,
            periodSeconds: 1,
            timeoutSeconds: 1,
            failureThreshold: 1,
            successThreshold: 1,
          },
        },
        environment,
      );
      const held = call(info, { kind: "bidi", messages: 1, holdMs: 4000 });
      assert.deepEqual((await call(info, { metadata: { "set-health": "503" } })).codes, { OK: 1 });
      await untilPhase(name, "unhealthy");
      assert.deepEqual((await call(info)).codes, { OK: 1 });
      const { instances } = await sluice.info("test", name);
      assert.equal(instances.length, 2, "another instance serves the new call");
      assert.deepEqual((await held).codes, { OK: 1 }, "the open call goes on");
    });
  }

  test("a frozen instance gets no CPU, and a call wakes it within milliseconds; none fails, none is restarted", async () => {
    const info = await deployEcho("sleeper");
    const first = await call(info);
    const frozen = await untilPhase("sleeper", "frozen");
    const wakes: number[] = [];
    for (let count = 0; count < 5; count++) {
      await untilPhase("sleeper", "frozen");
      const report = await call(info);
      assert.deepEqual(report.codes, { OK: 1 });
      assert.deepEqual(report.pids, first.pids);
      wakes.push(report.latencyMs.max);
    }
    assert.equal((await untilPhase("sleeper", "frozen")).instances[0]?.instanceId, frozen.instances[0]?.instanceId);
    assert.ok(Math.min(...wakes) < 100, `woken in ${wakes.join(", ")} ms`);
  });

  test("calls that come just when instances freeze or stop are all served", async () => {
    const info = await deployEcho("edge", { instanceConcurrency: 1 });
    // About the time of a freeze apart, with some in between to meet every edge of it.
    const report = await call(info, { calls: 30, workers: 2, ratePerSecond: 1000 / (IDLE_FREEZE_MS / 2) });
    assert.deepEqual(report.codes, { OK: 30 });
    for (let round = 0; round < 2; round++) {
      await new Promise((resolve) => setTimeout(resolve, IDLE_STOP_MS - 20 + round * 20));
      assert.deepEqual((await call(info)).codes, { OK: 1 });
    }
  });
});
