/** Versions and aliases: calls split by weight, an alias switched under load, and the way back. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { folderOf, goMissing, type JobReport, runJob, testPrograms } from "../support/clients.ts";
import { Sluice, type TestFunction } from "../support/sluice.ts";

async function echoFunction(revision: string, qualifiers: readonly string[] = []): Promise<TestFunction> {
  const { go } = await testPrograms();
  return {
    name: "echo",
    codeUri: folderOf(go.echo),
    function: {
      instanceConcurrency: 100,
      customRuntimeConfig: { command: ["./echo"] },
      environmentVariables: { REVISION: revision },
    },
    qualifiers,
  };
}

/** Calls by the version that the function was told of with each; `LATEST` where it was told of none. */
function callsByVersion(report: JobReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { seen } of report.details) {
    const version = seen?.metadata?.["x-fc-version-id"]?.[0] ?? "LATEST";
    counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

function onlyOk(report: JobReport): void {
  assert.deepEqual(Object.keys(report.codes), ["OK"], JSON.stringify(report.errors));
}

describe("versions and aliases", { skip: goMissing }, () => {
  test("calls split by weight; a switch under load and a rollback fail none; LATEST goes its own way", async () => {
    await using sluice = await Sluice.start();
    await sluice.deploy(await echoFunction("1"));
    await sluice.ok(["versions", "publish", "test"]);
    await sluice.deploy(await echoFunction("2"));
    await sluice.ok(["versions", "publish", "test"]);
    await sluice.ok(["aliases", "create", "test", "prod", "1", "--weight", "2=0.3"]);
    const latest = await sluice.deploy(await echoFunction("3", ["prod"]));
    const prod = await sluice.info("test", "echo", "prod");
    assert.notEqual(prod.host, latest.host);

    const split = await runJob(sluice, prod, { calls: 300, workers: 5 });
    onlyOk(split);
    const { "1": first = 0, "2": second = 0, ...others } = callsByVersion(split);
    assert.deepEqual(others, {});
    assert.equal(first + second, 300);
    // Four standard deviations of 300 draws at 0.3 are 32.
    assert.ok(second >= 58 && second <= 122, `${second} of 300 calls went to the version with a share of 0.3`);

    const load = runJob(sluice, prod, { durationMs: 5000, workers: 20, ratePerSecond: 200 });
    await sluice.ok(["aliases", "set", "test", "prod", "2"]);
    const loaded = await load;
    onlyOk(loaded);
    assert.ok(loaded.calls > 200, `${loaded.calls} calls`);
    const after = await runJob(sluice, prod, { calls: 50 });
    onlyOk(after);
    assert.deepEqual(callsByVersion(after), { "2": 50 });

    const back = runJob(sluice, prod, { durationMs: 4000, workers: 20, ratePerSecond: 200 });
    const told = await sluice.ok(["rollback", "test", "--alias", "prod"]);
    assert.match(told, /leads all calls to version 1 \(before: version 2\)/);
    onlyOk(await back);
    const before = await runJob(sluice, prod, { calls: 50 });
    onlyOk(before);
    assert.deepEqual(callsByVersion(before), { "1": 50 });

    // A custom domain leads there too, by the qualifier of its route.
    const routeConfigs = [{ path: "/*", qualifier: "prod" }];
    const domain = { domainName: "grpc.tenant.example", protocol: "HTTPS", routeConfigs };
    await sluice.deploy({ ...(await echoFunction("3", ["prod"])), customDomains: [domain] });
    const caFile = join(sluice.dataDir, "tls", "domains-ca.pem");
    const flags = ["-addr", sluice.endpoint.grpcAddress, "-authority", domain.domainName, "-cafile", caFile];
    const byDomain = await runJob(sluice, prod, { calls: 20 }, flags);
    onlyOk(byDomain);
    assert.deepEqual(callsByVersion(byDomain), { "1": 20 });
    const inUse = await sluice.cli(["aliases", "delete", "test", "prod"]);
    assert.equal(inUse.code, 1);
    assert.match(inUse.stderr, /is needed by (trigger|path)/);

    const untouched = await sluice.info("test", "echo");
    assert.deepEqual([untouched.host, untouched.revisionId], [latest.host, latest.revisionId]);
    const ofLatest = await runJob(sluice, latest, { calls: 20 });
    onlyOk(ofLatest);
    assert.deepEqual(callsByVersion(ofLatest), { LATEST: 20 });
    assert.match(await sluice.ok(["bill"]), /test\.prod\/echo +512 +\d+/);
  });
});
