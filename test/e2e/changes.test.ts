/** Redeploys, connection ages, restarts: what changes while calls run. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { eventually, Sluice, type TestFunction } from "../support/sluice.ts";

async function echoFunction(more: Readonly<Record<string, unknown>> = {}): Promise<TestFunction> {
  const { go } = await testPrograms();
  return {
    name: "echo",
    codeUri: folderOf(go.echo),
    function: { instanceConcurrency: 100, customRuntimeConfig: { command: ["./echo"] }, ...more },
  };
}

describe("changes under load", { skip: goMissing }, () => {
  test("redeploys fail and cut no call, and a stream outlives them", async () => {
    await using sluice = await Sluice.start();
    const info = await sluice.deploy(await echoFunction());
    await runJob(sluice, info, {});
    const load = runJob(sluice, info, { durationMs: 8000, workers: 20, ratePerSecond: 200 });
    const stream = runJob(sluice, info, {
      kind: "serverStream",
      metadata: { "x-repeat": "70", "x-interval-ms": "100" },
    });
    for (let revision = 1; revision <= 4; revision++) {
      await sluice.deploy(await echoFunction({ environmentVariables: { REVISION: String(revision) } }));
    }
    const [report, streamed] = await Promise.all([load, stream]);
    assert.deepEqual(Object.keys(report.codes), ["OK"], JSON.stringify(report.errors));
    assert.deepEqual(streamed.codes, { OK: 1 }, JSON.stringify(streamed.errors));
    assert.equal(streamed.messages, 70);
    const after = await sluice.info("test", "echo");
    assert.equal(after.revisionId, after.servingRevisionId);
    assert.notEqual(after.revisionId, info.revisionId);
  });

  test("a redeploy that cannot start leaves the old revision serving, and deploy says why", async () => {
    await using sluice = await Sluice.start();
    const info = await sluice.deploy(await echoFunction());
    await runJob(sluice, info, {});
    const broken = await echoFunction({ customRuntimeConfig: { command: ["./there-is-no-such-program"] } });
    const result = await sluice.cli(["deploy", "-t", await sluice.writeSpecification(broken), "-y"]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /there-is-no-such-program/);
    assert.deepEqual((await runJob(sluice, info, { calls: 5 })).codes, { OK: 5 });
    assert.match((await sluice.info("test", "echo")).reason ?? "", /failed to start/);
  });

  test("a grpc-go server with a MaxConnectionAge of half a second fails no call of 50 KiB under load, and is not restarted", async () => {
    await using sluice = await Sluice.start();
    const info = await sluice.deploy(await echoFunction({ environmentVariables: { MAX_CONNECTION_AGE_MS: "500" } }));
    await runJob(sluice, info, {});
    const before = (await sluice.info("test", "echo")).instances.map((instance) => instance.instanceId);
    assert.equal(before.length, 1);
    const load = { durationMs: 8000, workers: 20, ratePerSecond: 400, payloadBytes: 50 * 1024 };
    const report = await runJob(sluice, info, load);
    assert.deepEqual(Object.keys(report.codes), ["OK"], JSON.stringify(report.errors));
    assert.equal(report.mismatches, 0);
    assert.ok(report.calls >= 2000, `${report.calls} calls`);
    const ids = (await sluice.info("test", "echo")).instances.map((instance) => instance.instanceId);
    assert.deepEqual(ids, before, "the instance of before served all of it");
  });

  test("a grpc-go server with a MaxConnectionAge of 2 s, under load and frozen in between, fails no call and is not restarted", async () => {
    await using sluice = await Sluice.start({ isolation: "auto", configuration: { idleFreezeMs: 50 } });
    const info = await sluice.deploy(await echoFunction({ environmentVariables: { MAX_CONNECTION_AGE_MS: "2000" } }));
    const first = await runJob(sluice, info, {});
    let frozen = 0;
    for (let round = 0; round < 6; round++) {
      const report = await runJob(sluice, info, { durationMs: 1000, workers: 10, ratePerSecond: 300 });
      assert.deepEqual(Object.keys(report.codes), ["OK"], JSON.stringify(report.errors));
      assert.deepEqual(Object.keys(report.pids), Object.keys(first.pids), "the process of before served all of it");
      // From a moment to more than the age of a connection.
      await sleep([60, 700, 2500][round % 3]);
      if ((await sluice.info("test", "echo")).instances[0]?.phase === "frozen") frozen += 1;
    }
    assert.ok(frozen >= 4, `frozen ${frozen} times of 6`);
  });

  test("a restart keeps what was deployed: functions, hosts, code and the CA", async () => {
    const first = await Sluice.start();
    const dataDir = first.dataDir;
    const before = await first.deploy(await echoFunction());
    assert.deepEqual((await runJob(first, before, {})).codes, { OK: 1 });
    first.child.kill("SIGTERM");
    assert.equal(await first.exited, 0);
    await using second = await Sluice.start({ dataDir });
    const after = await second.info("test", "echo");
    assert.equal(after.host, before.host);
    assert.deepEqual((await runJob(second, after, {})).codes, { OK: 1 });
    await second.stop();
    await first.stop();
  });

  test("SIGTERM lets open calls finish and exits 0; a second Sluice on the same data directory is refused in one line", async () => {
    await using sluice = await Sluice.start();
    const info = await sluice.deploy(await echoFunction());
    await runJob(sluice, info, {});
    const refused = await sluice.cli(["start", "--grpc-port", "0", "--api-port", "0"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /in use by another Sluice/);
    assert.equal(refused.stderr.trim().split("\n").length, 1);
    const open = runJob(sluice, info, { metadata: { "x-sleep-ms": "1500" } });
    await eventually("the call is open", async () =>
      (await sluice.info("test", "echo")).instances.some((each) => each.openCalls > 0),
    );
    sluice.child.kill("SIGTERM");
    assert.deepEqual((await open).codes, { OK: 1 });
    assert.equal(await sluice.exited, 0);
    assert.match(sluice.output, /1 calls left/);
  });
});
