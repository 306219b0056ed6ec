/** What commands make of provision and on-demand configs, with a real control plane. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fc } from "../../control/testing/control-under-test.ts";
import { codeOf } from "../../control/testing/samples.ts";
import { type PlatformUnderTest, withPlatform } from "../testing/platform-under-test.ts";

/** `svc/fn` and `svc/other`, version 1, alias `prod` of it. */
async function deployed({ sdk }: PlatformUnderTest): Promise<void> {
  await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
  for (const functionName of ["fn", "other"]) {
    await sdk.createFunction("svc", new fc.CreateFunctionRequest({ functionName, runtime: "custom", code: codeOf() }));
  }
  await sdk.publishServiceVersion("svc", new fc.PublishServiceVersionRequest({}));
  await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
}

function provision({ sdk }: PlatformUnderTest, functionName: string, qualifier: string) {
  const request = new fc.PutProvisionConfigRequest({ target: 2, qualifier });
  return sdk.putProvisionConfig("svc", functionName, request);
}

test("remove releases provisioned instances before it takes the function away", () =>
  withPlatform(async (platform) => {
    await deployed(platform);
    for (const qualifier of ["LATEST", "prod"]) await provision(platform, "fn", qualifier);
    await provision(platform, "other", "prod");
    const { code, stdout, stderr } = await platform.run(["remove", "svc", "-y", "--json"]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout).removed, [
      { kind: "provisionConfig", name: "svc/fn" },
      { kind: "provisionConfig", name: "svc.prod/fn" },
      { kind: "function", name: "svc/fn" },
      { kind: "provisionConfig", name: "svc.prod/other" },
      { kind: "function", name: "svc/other" },
      { kind: "alias", name: "svc.prod" },
      { kind: "version", name: "svc.1" },
      { kind: "service", name: "svc" },
    ]);
    assert.match(stderr, /Removed the provisioned instances of svc\.prod\/fn\n/);
  }));

test("info shows the limit of a function, and that 0 blocks it", () =>
  withPlatform(async (platform) => {
    await deployed(platform);
    const { sdk } = platform;
    const limit = (maximumInstanceCount: number) =>
      sdk.putFunctionOnDemandConfig("svc", "fn", new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount }));
    await limit(4);
    assert.match((await platform.run(["info", "svc/fn"])).stdout, /instances: none \(at most 4\), open calls: 0/);
    await limit(0);
    assert.match((await platform.run(["info", "svc/fn"])).stdout, /its on-demand config allows no instance/);
  }));
