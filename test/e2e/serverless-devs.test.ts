/** Serverless Devs and the two SDKs of services, against a real Sluice and a real function that is called over gRPC. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Fc2Client } from "@alicloud/fc2";
import { rawZip } from "../../src/control/code/testing/raw-zip.ts";
import { loadOrCreateLocalCa } from "../../src/gateway/gateway.ts";
import { goMissing, testPrograms } from "../support/clients.ts";
import { fc2Of } from "../support/fc2.ts";
import { fc, sdkOf } from "../support/sdk.ts";
import { type DevsProps, devsDeploy, devsRemove } from "../support/serverless-devs.ts";
import { eventually, runCommand, Sluice } from "../support/sluice.ts";

const GREETER = resolve(import.meta.dirname, "..", "..", "examples", "golang-greeter");
const DOMAIN = "grpc.tenant.example";

/** A package of the example's server; another `remark` makes another package of it. */
function zipOf(program: string, remark: string): Buffer {
  return rawZip([
    { name: "bootstrap", content: readFileSync(program), mode: 0o100755 },
    { name: "REMARK", content: remark },
  ]);
}

/** The example's server, built from changed code: it greets with another word. */
async function changedGreeter(folder: string, greeting: string): Promise<string> {
  cpSync(GREETER, folder, { recursive: true });
  const source = join(folder, "code", "greeter.go");
  writeFileSync(source, readFileSync(source, "utf8").replace('"Hello "', JSON.stringify(`${greeting} `)));
  const { code, stderr } = await runCommand("go", ["build", "-ldflags", "-s -w", "-o", "bootstrap", "./code"], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-trimpath -buildvcs=false" },
  });
  assert.equal(code, 0, stderr);
  return join(folder, "bootstrap");
}

describe("API 2016-08-15", { skip: goMissing }, () => {
  let sluice: Sluice;
  let fc2: Fc2Client;
  const folder = mkdtempSync(join(tmpdir(), "sluice-devs-"));
  /** Packages whose programs greet so, but for the last, which says Hello again. */
  let zips: Readonly<Record<"Hello" | "Hallo" | "again", Buffer>>;

  before(async () => {
    sluice = await Sluice.start();
    fc2 = await fc2Of(sluice);
    const { greeter } = (await testPrograms()).go;
    const changed = await changedGreeter(join(folder, "changed"), "Hallo");
    zips = { Hello: zipOf(greeter, "first"), Hallo: zipOf(changed, "second"), again: zipOf(greeter, "third") };
  });

  after(async () => {
    await sluice?.stop();
    rmSync(folder, { recursive: true });
  });

  /** What the function answers at a host; fails unless the call does not. */
  async function greetingAt(host: string, caFile = sluice.endpoint.caFile): Promise<string> {
    const { go } = await testPrograms();
    const { code, stdout, stderr } = await runCommand(go.greeterClient, [
      ...["-addr", sluice.endpoint.grpcAddress, "-authority", host, "-cafile", caFile],
      ...["-name", "world", "-only", "hello"],
    ]);
    assert.equal(code, 0, stderr);
    return /Greeting: (.*)/.exec(stdout)?.[1] ?? stdout;
  }

  /** Waits until the new code answers; until then the old one does, and no call fails. */
  function answers(host: string, greeting: string, caFile?: string): Promise<unknown> {
    return eventually(`${host} says ${greeting}`, async () => (await greetingAt(host, caFile)) === `${greeting} world`);
  }

  const hostOf = (trigger: Record<string, unknown> | undefined) => new URL(String(trigger?.["urlInternet"])).hostname;

  test("deploy, twice with changed code, and remove, as Serverless Devs asks for them", async () => {
    const ca = await loadOrCreateLocalCa(join(folder, "tenant"), { zone: "tenant.example", hosts: [] }, Date.now());
    const { certificatePem: certificate, privateKeyPem: privateKey } = ca.namedCertificate;
    const props = (zip: Buffer): DevsProps => ({
      service: "grpc-demo",
      function: "golang-grpc",
      zip,
      customDomain: {
        domainName: DOMAIN,
        protocol: "HTTP,HTTPS",
        certConfig: { certName: "tenant", certificate, privateKey },
        routeConfig: { routes: [{ path: "/*", serviceName: "grpc-demo", functionName: "golang-grpc" }] },
      },
    });
    const first = await devsDeploy(fc2, props(zips.Hello));
    const host = hostOf(first.trigger);
    assert.match(host, /^golang-grpc-grpc-demo-[a-z]{10}\./);
    assert.equal(await greetingAt(host), "Hello world");
    assert.equal(await greetingAt(DOMAIN, ca.caFile), "Hello world");

    const second = await devsDeploy(fc2, props(zips.Hallo));
    assert.equal(second.trigger?.["urlInternet"], first.trigger?.["urlInternet"]);
    assert.notEqual(second.function?.["codeChecksum"], first.function?.["codeChecksum"]);
    await answers(host, "Hallo");
    await answers(DOMAIN, "Hallo", ca.caFile);

    // What `s version publish`, `s alias publish`, `s provision put` and `s ondemand put` add.
    await fc2.publishVersion("grpc-demo", "second");
    await fc2.createAlias("grpc-demo", "prod", "1");
    await fc2.putProvisionConfig("grpc-demo", "golang-grpc", "prod", { target: 1 });
    await fc2.putOnDemandConfig("grpc-demo", "golang-grpc", "LATEST", { maximumInstanceCount: 2 });

    await devsDeploy(fc2, props(zips.again));
    await answers(host, "Hello");
    const qualified = { triggerName: "prod", triggerType: "http", qualifier: "prod" };
    const triggerConfig = { authType: "anonymous", methods: ["POST"] };
    const prod = await fc2.createTrigger("grpc-demo", "golang-grpc", { ...qualified, triggerConfig });
    assert.equal(await greetingAt(hostOf(prod.data)), "Hallo world", "the alias stays with the version before");

    await devsRemove(fc2, props(zips.again));
    await assert.rejects(fc2.getService("grpc-demo"), { code: "ServiceNotFound" });
    await assert.rejects(greetingAt(host), /no route for host golang-grpc-grpc-demo/);
    assert.deepEqual(await sluice.infos(), []);
  });

  test("both SDKs see the same resources, and each changes what the other made", async () => {
    const sdk = await sdkOf(sluice);
    await fc2.createService("both", { description: "by fc2" });
    assert.equal((await sdk.getService("both", new fc.GetServiceRequest({}))).body.description, "by fc2");

    const created = await sdk.createFunction(
      "both",
      new fc.CreateFunctionRequest({
        ...{ functionName: "greeter", runtime: "custom", caPort: 8089, timeout: 10 },
        code: new fc.Code({ zipFile: zips.Hello.toString("base64") }),
      }),
    );
    const read = await fc2.getFunction("both", "greeter");
    assert.deepEqual(read.data, created.body.toMap(), "the two documents are one");
    assert.equal(read.headers["etag"], created.headers?.["etag"]);

    const triggerConfig = { authType: "anonymous", methods: ["POST"], disableURLInternet: false };
    const request = { triggerName: "http", triggerType: "http", triggerConfig: JSON.stringify(triggerConfig) };
    await sdk.createTrigger("both", "greeter", new fc.CreateTriggerRequest(request));
    const { data: trigger } = await fc2.getTrigger("both", "greeter", "http");
    assert.deepEqual(trigger.triggerConfig, triggerConfig);
    assert.equal(await greetingAt(hostOf(trigger)), "Hello world");

    const invoked = await fc2.invokeFunction("both", "greeter", "event");
    assert.equal(invoked.headers["x-fc-error-type"], "UnhandledInvocationError");
    assert.match(invoked.data.errorMessage, /serves gRPC and no POST \/invoke: call it by gRPC/);

    // ETags are the same in both: one that the other has overtaken is refused.
    const etag = { "if-match": read.headers["etag"] };
    const code = { zipFile: zips.Hallo.toString("base64") };
    await fc2.updateFunction("both", "greeter", { code, description: "by fc2" }, etag);
    const stale = new fc.UpdateFunctionHeaders({ ifMatch: read.headers["etag"] });
    const change = new fc.UpdateFunctionRequest({ description: "too late" });
    const { RuntimeOptions } = await import("@alicloud/tea-util");
    await assert.rejects(sdk.updateFunctionWithOptions("both", "greeter", change, stale, new RuntimeOptions({})), {
      code: "PreconditionFailed",
    });
    await answers(hostOf(trigger), "Hallo");

    await sdk.publishServiceVersion("both", new fc.PublishServiceVersionRequest({ description: "one" }));
    await fc2.createAlias("both", "prod", "1");
    const { body } = await sdk.listAliases("both", new fc.ListAliasesRequest({}));
    assert.deepEqual(
      body.aliases?.map(({ aliasName, versionId }) => [aliasName, versionId]),
      [["prod", "1"]],
    );
    await sdk.updateService("both", new fc.UpdateServiceRequest({ description: "by the other" }));
    assert.equal((await fc2.getService("both")).data.description, "by the other");
    assert.equal((await fc2.getService("both", {}, "prod")).data.description, "by fc2");
    await fc2.putOnDemandConfig("both", "greeter", "prod", { maximumInstanceCount: 3 });
    const query = new fc.GetFunctionOnDemandConfigRequest({ qualifier: "prod" });
    assert.equal((await sdk.getFunctionOnDemandConfig("both", "greeter", query)).body.maximumInstanceCount, 3);

    await sdk.deleteTrigger("both", "greeter", "http");
    await fc2.deleteFunction("both", "greeter");
    await sdk.deleteAlias("both", "prod");
    await fc2.deleteVersion("both", "1");
    await sdk.deleteService("both");
    await assert.rejects(fc2.getService("both"), { code: "ServiceNotFound" });
  });
});
