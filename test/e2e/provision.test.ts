/** Provisioned instances, limits and lists of instances, through the official SDK and a real server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { folderOf, goMissing, type Job, type JobReport, runJob, testPrograms } from "../support/clients.ts";
import { descendantsOf } from "../support/processes.ts";
import { fc, sdkOf } from "../support/sdk.ts";
import { eventually, type Info, Sluice } from "../support/sluice.ts";

const IDLE_FREEZE_MS = 300;
const IDLE_STOP_MS = 2000;

describe("instances by configuration", { skip: goMissing }, () => {
  let sluice: Sluice;
  let sdk: Awaited<ReturnType<typeof sdkOf>>;
  let echoDir: string;

  before(async () => {
    echoDir = folderOf((await testPrograms()).go.echo);
    sluice = await Sluice.start({ configuration: { idleFreezeMs: IDLE_FREEZE_MS, idleStopMs: IDLE_STOP_MS } });
    sdk = await sdkOf(sluice);
  });
  after(() => sluice.stop());

  function deploy(name: string): Promise<Info> {
    const settings = { instanceConcurrency: 1, customRuntimeConfig: { command: ["./echo"] } };
    return sluice.deploy({ name, codeUri: echoDir, function: settings });
  }

  function call(info: Info, job: Job = {}): Promise<JobReport> {
    return runJob(sluice, info, { kind: "unary", payload: "hello", deadlineMs: 10_000, ...job });
  }

  async function provision(name: string, target: number, qualifier?: string): Promise<void> {
    await sdk.putProvisionConfig("test", name, new fc.PutProvisionConfigRequest({ target, qualifier }));
  }

  async function current(name: string, qualifier?: string): Promise<number | undefined> {
    const request = new fc.GetProvisionConfigRequest({ qualifier });
    return (await sdk.getProvisionConfig("test", name, request)).body.current;
  }

  async function listed(name: string, qualifier?: string): Promise<{ id: string; version: string | undefined }[]> {
    const { body } = await sdk.listInstances("test", name, new fc.ListInstancesRequest({ qualifier }));
    return (body.instances ?? []).map(({ instanceId = "", versionId }) => ({ id: instanceId, version: versionId }));
  }

  test("two instances come up before any call, a killed one comes back, and released ones go idle", async () => {
    const info = await deploy("ready");
    assert.equal(await current("ready"), 0);
    await provision("ready", 2);
    await eventually("two provisioned instances", async () => (await current("ready")) === 2);
    const before = await listed("ready");
    assert.equal(before.length, 2);
    assert.deepEqual([...new Set(before.map(({ version }) => version))], ["0"]);
    assert.match(await sluice.ok(["info", "test/ready"]), /provisioned: 2 of 2/);

    const report = await call(info, { kind: "bidi", messages: 1, holdMs: 1000, calls: 2, workers: 2 });
    assert.deepEqual(report.codes, { OK: 2 });
    assert.ok(report.latencyMs.max < 1900, "both at once, one on each instance");
    assert.deepEqual(await listed("ready"), before, "none was started for the calls");
    const victim = descendantsOf(sluice.endpoint.pid).find(({ commandLine }) => commandLine === "./echo");
    assert.ok(victim);
    process.kill(victim.pid, "SIGKILL");
    await eventually("another instance in its place", async () => {
      const now = await listed("ready");
      const kept = now.filter(({ id }) => before.some((each) => each.id === id));
      return now.length === 2 && kept.length === 1 && (await current("ready")) === 2;
    });

    await provision("ready", 0);
    await eventually("none provisioned", async () => (await current("ready")) === 0);
    await eventually("no instance", async () => (await listed("ready")).length === 0);
    assert.deepEqual((await call(info)).codes, { OK: 1 });
  });

  test("an alias without a trigger has its instances ready, with the version that it names", async () => {
    await deploy("named");
    await sluice.ok(["versions", "publish", "test"]);
    await sluice.ok(["aliases", "create", "test", "prod", "1"]);
    await provision("named", 1, "prod");
    await eventually("a provisioned instance", async () => (await current("named", "prod")) === 1);
    assert.deepEqual(
      (await listed("named", "prod")).map(({ version }) => version),
      ["1"],
    );
    assert.deepEqual(await listed("named"), []);
    await assert.rejects(sdk.deleteAlias("test", "prod"), { code: "AliasInUse" });
    await assert.rejects(
      sdk.deleteTrigger("test", "named", "http").then(() => sdk.deleteFunction("test", "named")),
      {
        code: "ProvisionConfigExist",
      },
    );
    await provision("named", 0, "prod");
    await sdk.deleteAlias("test", "prod");
    await eventually("no instance", async () => !(await sluice.ok(["instances"])).includes("test/named"));
  });

  test("a limit of 0 blocks calls with RESOURCE_EXHAUSTED until it is deleted; one of 1 lets them wait", async () => {
    const info = await deploy("limited");
    const limit = (maximumInstanceCount: number) =>
      sdk.putFunctionOnDemandConfig(
        "test",
        "limited",
        new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount }),
      );
    await limit(0);
    const { codes, errors } = await call(info);
    assert.deepEqual(codes, { RESOURCE_EXHAUSTED: 1 });
    assert.match(Object.keys(errors)[0] ?? "", /maximumInstanceCount is 0/);
    assert.match((await sluice.info("test", "limited")).reason ?? "", /maximumInstanceCount 0/);
    await limit(1);
    assert.equal((await call(info, { calls: 20, workers: 4 })).codes["OK"], 20);
    await eventually("the one instance", async () => (await listed("limited")).length === 1);
    await sdk.deleteFunctionOnDemandConfig("test", "limited", new fc.DeleteFunctionOnDemandConfigRequest({}));
    const report = await call(info, { kind: "bidi", messages: 1, holdMs: 1000, calls: 3, workers: 3 });
    assert.deepEqual(report.codes, { OK: 3 });
    assert.ok(report.latencyMs.max < 2900, "at once");
    await eventually("more than one instance", async () => (await listed("limited")).length > 1);
  });
});
