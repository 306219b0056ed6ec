import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { makeCertificate } from "../../control/testing/certificates.ts";
import { functionKey, type InstanceId, type RevisionId } from "../../model/model.ts";
import { type PlatformUnderTest, withPlatform } from "../testing/platform-under-test.ts";
import { runCommand } from "../testing/run-command.ts";

const HTTP_TRIGGER = { name: "web", type: "http", config: { authType: "anonymous", methods: ["GET", "POST"] } };
const KEY = functionKey("demo", "f");

/** A folder `code` that would start, and an s.yaml with it; `change` lays over the one service. */
async function template(
  platform: PlatformUnderTest,
  change: { props?: object; function?: object; service?: object } = {},
  others: object = {},
): Promise<void> {
  await mkdir(join(platform.dataDir, "program"), { recursive: true });
  await platform.write("program/bootstrap", "#!/bin/sh\n", 0o755);
  const props = {
    service: { name: "demo" },
    function: { name: "f", runtime: "custom", codeUri: "./program", timeout: 30, caPort: 8089, ...change.function },
    triggers: [HTTP_TRIGGER],
    ...change.props,
  };
  const services = { one: { component: "fc", props, ...change.service }, ...others };
  await platform.write("s.yaml", stringify({ edition: "1.0.0", services }));
}

async function functionNames(platform: PlatformUnderTest): Promise<string[]> {
  const { stdout } = await platform.run(["info", "--json"]);
  const { functions } = JSON.parse(stdout) as { functions: { serviceName: string; functionName: string }[] };
  return functions.map((each) => `${each.serviceName}/${each.functionName}`);
}

test("deploy creates service, function and trigger, prints how to call it, and --json is one document", () =>
  withPlatform(async (platform) => {
    await template(platform);
    const first = await platform.run(["deploy", "-y", "--json"]);
    assert.equal(first.code, 0, first.stderr);
    const { functions } = JSON.parse(first.stdout) as { functions: Record<string, unknown>[] };
    assert.equal(functions[0]?.["functionName"], "f");
    assert.equal(functions[0]?.["timeout"], 30);
    const host = String(functions[0]?.["host"]);
    assert.match(host, /^f-demo-[a-z]{10}\.local\.fcapp\.localhost$/);

    const second = await platform.run(["deploy"]);
    assert.match(second.stderr, /Updated function demo\/f/);
    assert.match(second.stdout, new RegExp(`demo/f: https://${host}:8089`));
    assert.match(second.stdout, /sluice\.js invoke demo\/f METHOD -d '\{\}'/);
  }));

test("deploy of unchanged code gives the same checksum", () =>
  withPlatform(async (platform) => {
    await template(platform);
    const checksum = async () => {
      const { stdout } = await platform.run(["deploy", "--json"]);
      return (JSON.parse(stdout) as { functions: { codeChecksum: string }[] }).functions[0]?.codeChecksum;
    };
    const before = await checksum();
    await platform.write("program/bootstrap", "#!/bin/sh\n", 0o755);
    assert.equal(await checksum(), before);
    await platform.write("program/bootstrap", "#!/bin/sh\nexit 1\n", 0o755);
    assert.notEqual(await checksum(), before);
  }));

test("deploy resets what s.yaml does not say any more to its default", () =>
  withPlatform(async (platform) => {
    await template(platform, { function: { environmentVariables: { A: "1" }, instanceConcurrency: 7 } });
    await platform.run(["deploy"]);
    await template(platform, { function: { timeout: undefined } });
    await platform.run(["deploy"]);
    const { body } = await platform.sdk.getFunction("demo", "f", {} as never);
    assert.deepEqual([body?.timeout, body?.instanceConcurrency, body?.environmentVariables], [60, 1, {}]);
  }));

test("deploy sends nothing when anything in the file or in any package is wrong", () =>
  withPlatform(async (platform) => {
    const bad = {
      component: "fc",
      props: { service: { name: "demo" }, function: { name: "g", runtime: "custom", codeUri: "./nowhere" } },
    };
    await template(platform, {}, { two: bad });
    const result = await platform.run(["deploy"]);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /^sluice: s\.yaml:\d+: codeUri: expected a folder or a zip, but .*nowhere does not exist$/m,
    );
    assert.deepEqual(await functionNames(platform), []);
    assert.equal((await platform.run(["deploy", "one"])).code, 0, "the good one alone");
    assert.deepEqual(await functionNames(platform), ["demo/f"]);
  }));

test("deploy runs hooks beside s.yaml, aborts where one fails, and says which are not run", () =>
  withPlatform(async (platform) => {
    const preDeploy = [{ run: "echo $MARK > mark; pwd", path: "./program" }, { component: "fc build" }];
    await template(platform, { service: { actions: { "pre-deploy": preDeploy, "post-deploy": [{ run: "exit 3" }] } } });
    await platform.write(".env", "MARK=from-dotenv\n");
    const result = await platform.run(["deploy"]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /not run, Sluice runs only actions of the kind run: fc build/);
    assert.match(result.stderr, /"exit 3" ended with exit code 3/);
    assert.equal(await readFile(join(platform.dataDir, "program", "mark"), "utf8"), "from-dotenv\n");
    assert.equal(result.stdout, "", "what hooks print goes to stderr");

    await template(platform, { function: { name: "g" }, service: { actions: { "pre-deploy": [{ run: "false" }] } } });
    assert.equal((await platform.run(["deploy"])).code, 1);
    assert.deepEqual(await functionNames(platform), ["demo/f"], "nothing was sent after a failed pre-deploy");
  }));

test("deploy sends nothing where a function would get a second http trigger", () =>
  withPlatform(async (platform) => {
    await template(platform);
    await platform.run(["deploy"]);
    await template(platform, {
      props: { triggers: [{ ...HTTP_TRIGGER, name: "other" }] },
      service: { actions: { "pre-deploy": [{ run: "touch built" }] } },
    });
    const result = await platform.run(["deploy"]);
    assert.match(result.stderr, /s\.yaml:\d+: .*triggers: expected the name web, .* got other: keep it, or remove/);
    await assert.rejects(readFile(join(platform.dataDir, "built")), "no hook has run");
  }));

test("deploy puts outputs of one service into another", () =>
  withPlatform(async (platform) => {
    const two = {
      component: "fc",
      props: {
        service: { name: "demo" },
        function: {
          name: "g",
          runtime: "custom",
          codeUri: "./program",
          environmentVariables: { PEER: `\${one.output.url.system_url}` },
        },
      },
    };
    await template(platform, {}, { two });
    const result = await platform.run(["deploy"]);
    assert.equal(result.code, 0, result.stderr);
    const { body } = await platform.sdk.getFunction("demo", "g", {} as never);
    assert.match(body?.environmentVariables?.["PEER"] ?? "", /^https:\/\/f-demo-/);
  }));

test("deploy creates custom domains with certificate files, tells what clients will not like, and auto is one name for good", () =>
  withPlatform(async (platform) => {
    const { certificate, privateKey } = await makeCertificate(["grpc.example.com"]);
    await platform.write("certificate", certificate);
    await platform.write("privatekey", privateKey);
    const routeConfigs = [{ path: "/*" }];
    const certConfig = { certName: "c", certificate: "./certificate", privateKey: "./privatekey" };
    const customDomains = [
      { domainName: "auto", protocol: "HTTPS", routeConfigs },
      { domainName: "grpc.example.com", protocol: "HTTP,HTTPS", routeConfigs, certConfig },
    ];
    await template(platform, { props: { customDomains } });
    const result = await platform.run(["deploy"]);
    assert.equal(result.code, 0, result.stderr);
    const auto = /Created custom domain (f-demo-[a-z]{10}\.local\.fcapp\.localhost)\n/.exec(result.stderr)?.[1] ?? "";
    assert.equal((await platform.sdk.getCustomDomain(auto)).body.protocol, "HTTPS");
    assert.match(result.stderr, /custom domain grpc\.example\.com\n {2}warning: the certificate is self-signed/);
    const again = await platform.run(["deploy"]);
    assert.ok(again.stderr.includes(`Updated custom domain ${auto}\n`), again.stderr);
    const { stdout } = await platform.run(["info"]);
    assert.ok(stdout.includes(`  domain ${auto}, certificate: Sluice's own\n`), stdout);
    assert.match(
      stdout,
      /domain grpc\.example\.com, certificate: given to 2126-01-01\n +warning: the certificate is self/,
    );
    const { body } = await platform.sdk.getCustomDomain("grpc.example.com");
    assert.equal(body?.routeConfig?.routes?.[0]?.functionName, "f");

    const other = await makeCertificate(["grpc.example.com"]);
    await platform.write("privatekey", other.privateKey);
    const refused = await platform.run(["deploy"]);
    assert.match(refused.stderr, /certConfig\.privateKey: expected the key of the certificate/);
  }));

test("deploy waits until calls go to the new revision", () =>
  withPlatform(async (platform) => {
    await template(platform);
    await platform.run(["deploy"]);
    const old = "old" as RevisionId;
    platform.main.report({ functions: [{ function: KEY, serving: old, instances: [] }] });
    const deployment = platform.run(["deploy", "--json"]);
    const wanted = await nextRevision(platform, KEY);
    platform.main.report({ functions: [{ function: KEY, serving: wanted, instances: [] }] });
    const { code, stdout } = await deployment;
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).functions[0].servingRevisionId, wanted);
  }));

test("deploy exits 1 with the reason when the new revision does not start", () =>
  withPlatform(async (platform) => {
    await template(platform);
    await platform.run(["deploy"]);
    const revisionId = await nextRevision(platform, KEY);
    const next = { revisionId, state: "failed", reason: "it exited with 7\nlast words" } as const;
    platform.main.report({ functions: [{ function: KEY, serving: "old" as RevisionId, next, instances: [] }] });
    const result = await platform.run(["deploy"]);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /sluice: demo\/f: revision 2 failed to start, 1 serves: it exited with 7\nlast words\n$/,
    );
    assert.equal(result.stdout, "");
  }));

/** The revision that the control plane asks the data plane for. */
async function nextRevision(platform: PlatformUnderTest, key: string): Promise<RevisionId> {
  const { stdout } = await platform.run(["info", "--json"]);
  const { functions } = JSON.parse(stdout) as {
    functions: { serviceName: string; functionName: string; revisionId: RevisionId }[];
  };
  const found = functions.find((each) => `${each.serviceName}/${each.functionName}` === key);
  assert.ok(found);
  return found.revisionId;
}

test("info shows why a function cannot be called, and knows it by name", () =>
  withPlatform(async (platform) => {
    assert.match((await platform.run(["info"])).stdout, /No functions yet/);
    await template(platform, { props: { triggers: [] } });
    await platform.run(["deploy"]);
    assert.match((await platform.run(["info", "demo/f"])).stdout, /demo\/f: it has no http trigger/);
    assert.match((await platform.run(["info", "-t", "s.yaml"])).stdout, /demo\/f/);
    const missing = await platform.run(["info", "demo/g"]);
    assert.deepEqual([missing.code, missing.stderr], [1, "sluice: there is no function demo/g: demo/f\n"]);
  }));

test("logs shows lines in order, the last ones with -n, those of one call, and JSON Lines", () =>
  withPlatform(async (platform) => {
    const line = (at: number, text: string, requestId?: string) => ({
      function: KEY,
      at,
      source: "stdout" as const,
      text,
      ...(requestId !== undefined && { requestId }),
    });
    platform.main.report({ lines: [line(1000, "one"), line(2000, "two\u001b[2J", "r1"), line(2000, "three")] });
    assert.equal(
      (await platform.run(["logs", "demo/f"])).stdout,
      "1970-01-01T00:00:01.000Z stdout   one\n1970-01-01T00:00:02.000Z stdout   two\\x1b[2J\n1970-01-01T00:00:02.000Z stdout   three\n",
    );
    assert.match((await platform.run(["logs", "-n", "1"])).stdout, /^\S+ demo\/f stdout {3}three\n$/);
    const { stdout } = await platform.run(["logs", "demo/f", "--request-id", "r1", "--json"]);
    assert.equal(JSON.parse(stdout).requestId, "r1");
  }));

test("logs -f goes on where the past ends, without a line twice", () =>
  withPlatform(async (platform) => {
    const line = (at: number, text: string) => ({ function: KEY, at, source: "stdout" as const, text });
    platform.main.report({ lines: [line(1000, "one"), line(2000, "two"), line(2000, "three")] });
    let stdout = "";
    const { promise: sawLast, resolve } = Promise.withResolvers<void>();
    const following = platform.run(["logs", "demo/f", "-f", "-n", "2"], {
      stdout: {
        write: (text) => {
          stdout += text;
          if (stdout.includes("three")) platform.main.report({ lines: [line(2000, "four")] });
          if (stdout.includes("four")) resolve();
        },
      },
    });
    await sawLast;
    await platform.control.close();
    await following;
    assert.deepEqual(
      stdout
        .trimEnd()
        .split("\n")
        .map((each) => each.split(" ").at(-1)),
      ["two", "three", "four"],
    );
  }));

test("bill shows calls, busy time and GB-seconds", () =>
  withPlatform(async (platform) => {
    const record = {
      instanceId: "c-1" as InstanceId,
      function: KEY,
      revisionId: "r" as RevisionId,
      memoryMb: 512,
      startMs: 1000,
      endMs: 3000,
      calls: 4,
      startedAt: 5000,
    };
    platform.main.report({ usage: [record] });
    assert.match((await platform.run(["bill"])).stdout, /^demo\/f {4}512 {8}4 {6}2000 {5}1\.000$/m);
    assert.equal(JSON.parse((await platform.run(["bill", "--json"])).stdout).usage[0].gbSeconds, 1);
  }));

test("hosts prints a line for each function, writes its block into the hosts file and removes it", () =>
  withPlatform(async (platform) => {
    await template(platform);
    await platform.run(["deploy"]);
    const { stdout } = await platform.run(["hosts"]);
    assert.match(stdout, /^127\.0\.0\.1 f-demo-[a-z]{10}\.local\.fcapp\.localhost\n$/);
    const hostsFile = await platform.write("hosts", "127.0.0.1 localhost");
    assert.equal((await platform.run(["hosts", "--write"], { hostsFile })).code, 0);
    assert.equal((await platform.run(["hosts", "--write"], { hostsFile })).code, 0);
    const written = await readFile(hostsFile, "utf8");
    assert.ok(written.startsWith("127.0.0.1 localhost\n#"));
    assert.equal(written.split(stdout).length, 2, "the line is there once");
    assert.equal((await platform.run(["hosts", "--remove"], { hostsFile })).code, 0);
    assert.equal(await readFile(hostsFile, "utf8"), "127.0.0.1 localhost\n");
  }));

test("remove takes away what s.yaml describes, keeps what others use, and asks for -y where nobody answers", () =>
  withPlatform(async (platform) => {
    await template(platform);
    await platform.run(["deploy"]);
    await template(platform, { function: { name: "g" } });
    await platform.run(["deploy"]);
    const asked = await platform.run(["remove"]);
    assert.deepEqual(
      [asked.code, asked.stderr],
      [2, "sluice: this would remove demo/g: say -y where nobody can be asked\n"],
    );
    const { stdout } = await platform.run(["remove", "-y", "--json"]);
    assert.deepEqual(JSON.parse(stdout).removed, [
      { kind: "trigger", name: "web" },
      { kind: "function", name: "demo/g" },
    ]);
    assert.deepEqual(await functionNames(platform), ["demo/f"]);

    const folder = join(platform.dataDir, "elsewhere");
    await mkdir(folder);
    const removed = await platform.run(["remove", "demo", "-y"], { cwd: folder });
    assert.match(removed.stderr, /Removed service demo/);
    assert.equal((await platform.run(["remove", "demo", "-y"], { cwd: folder })).code, 1);
    assert.equal((await platform.run(["remove", "-y"])).stdout, "Nothing was there to remove\n");
  }));

test("env prints variables that a shell takes, also as JSON", () =>
  withPlatform(async (platform) => {
    const { stdout } = await platform.run(["env"], { env: { SLUICE_CA_FILE: "/it's here/ca.pem" } });
    assert.match(stdout, new RegExp(`^export SLUICE_ENDPOINT=${platform.url}$`, "m"));
    assert.match(stdout, /^export SLUICE_CA_FILE='\/it'\\''s here\/ca\.pem'$/m);
    assert.match(stdout, /^export AccountID=1234567890$/m);
    assert.equal(JSON.parse((await platform.run(["env", "--json"])).stdout).SLUICE_ENDPOINT, platform.url);
  }));

test("commands find the platform of a data directory, and say how to start one that is not there", () =>
  withPlatform(async (platform) => {
    const data = platform.dataDir;
    const none = await runCommand(["info", "--data", data]);
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /^sluice: no Sluice is running with data directory .*: start it with '.* start --data .*'/,
    );

    const { accountId, accessKeyId, accessKeySecret } = {
      accountId: "1234567890",
      accessKeyId: "AK",
      accessKeySecret: "not-so-secret",
    };
    const endpoint = {
      apiUrl: platform.url,
      grpcAddress: "127.0.0.1:8089",
      caFile: "ca.pem",
      accountId,
      accessKeyId,
      region: "local",
      domain: "fcapp.localhost",
    };
    await writeFile(join(data, "credentials.json"), JSON.stringify({ accountId, accessKeyId, accessKeySecret }));
    await writeFile(join(data, "endpoint.json"), JSON.stringify({ ...endpoint, pid: process.pid }));
    assert.equal((await runCommand(["info", "--data", data])).code, 0);
    assert.equal((await runCommand(["info"], { env: { SLUICE_DATA: data } })).code, 0);

    // Above the largest process id of Linux (2^22).
    await writeFile(join(data, "endpoint.json"), JSON.stringify({ ...endpoint, pid: 2 ** 22 + 1 }));
    assert.match(
      (await runCommand(["info", "--data", data])).stderr,
      /process 4194305\) is not running any more: start it/,
    );

    await platform.control.close();
    await writeFile(join(data, "endpoint.json"), JSON.stringify({ ...endpoint, pid: process.pid }));
    const refused = await runCommand(["info", "--data", data]);
    assert.match(refused.stderr, /^sluice: no answer from http:.*: is it running\? Start it with/);
  }));

test("a wrong key of the API is told in one line with the server's code", () =>
  withPlatform(async (platform) => {
    const { code, stderr } = await platform.run(["info"], { env: { SLUICE_ACCESS_KEY_SECRET: "wrong" } });
    assert.equal(code, 1);
    assert.match(stderr, /^sluice: .* \(\w+, request [0-9a-f-]{36}\)\n$/);
  }));

test("instances shows state, age, calls, slots, memory and restarts; --json gives them whole", () =>
  withPlatform(async (platform) => {
    await template(platform);
    await platform.run(["deploy"]);
    const instance = {
      instanceId: "c-1" as InstanceId,
      revisionId: "r1" as RevisionId,
      phase: "frozen" as const,
      openCalls: 0,
      startedAt: Date.now() - 7_200_000,
      slots: 3,
      provisioned: true,
      memoryUsedMb: 41.7109375,
    };
    const provision = { target: 2, current: 1 };
    platform.main.report({ functions: [{ function: KEY, instances: [instance], restarts: 4, provision }] });
    const { stdout } = await platform.run(["instances", "demo/f"]);
    assert.match(stdout, /^c-1 +demo\/f +r1 +frozen +2h +0\/3 +42 +yes +4$/m);
    const { instances } = JSON.parse((await platform.run(["instances", "--json"])).stdout);
    assert.deepEqual(instances, [{ function: "demo/f", qualifier: "LATEST", restarts: 4, ...instance }]);
    assert.match((await platform.run(["info", "demo/f"])).stdout, /provisioned: 1 of 2, restarts: 4/);
    const unknown = await platform.run(["instances", "demo/g"]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /there is no function demo\/g: demo\/f/);
  }));
