/** Versions, aliases and going back, with a real control plane. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { type PlatformUnderTest, withPlatform } from "../testing/platform-under-test.ts";

/** Deploys `demo/f` with these settings and triggers. */
async function deploy(platform: PlatformUnderTest, settings: object, triggers: readonly object[] = []): Promise<void> {
  await mkdir(join(platform.dataDir, "program"), { recursive: true });
  await platform.write("program/bootstrap", "#!/bin/sh\n", 0o755);
  const config = { authType: "anonymous", methods: ["POST"] };
  const props = {
    service: { name: "demo" },
    function: { name: "f", runtime: "custom", codeUri: "./program", ...settings },
    triggers: [{ name: "web", type: "http", config }, ...triggers.map((each) => ({ type: "http", config, ...each }))],
  };
  await platform.write("s.yaml", stringify({ edition: "1.0.0", services: { one: { component: "fc", props } } }));
  await ok(platform, "deploy", "-y");
}

async function ok(platform: PlatformUnderTest, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await platform.run(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refusal(platform: PlatformUnderTest, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await platform.run(args);
  assert.notEqual(code, 0, stdout);
  return stderr;
}

async function timeouts(platform: PlatformUnderTest): Promise<Record<string, number>> {
  const { functions } = JSON.parse(await ok(platform, "info", "--json")) as {
    functions: { qualifier: string; timeout: number }[];
  };
  return Object.fromEntries(functions.map(({ qualifier, timeout }) => [qualifier, timeout]));
}

test("versions publish, list and delete; wrong usage is told", () =>
  withPlatform(async (platform) => {
    await deploy(platform, {});
    assert.equal(
      await ok(platform, "versions", "publish", "demo", "--description", "one"),
      "Published version 1 of demo\n",
    );
    const published = JSON.parse(await ok(platform, "versions", "publish", "demo", "--json"));
    assert.equal(published.versionId, "2");
    assert.match(await ok(platform, "versions", "list", "demo"), /^VERSION {2}CREATED .*\n2 .*\n1 .* one\n$/);
    assert.equal(await ok(platform, "versions", "delete", "demo", "2"), "Deleted version 2 of demo\n");
    assert.deepEqual(
      JSON.parse(await ok(platform, "versions", "list", "demo", "--json")).versions.map(
        (each: { versionId: string }) => each.versionId,
      ),
      ["1"],
    );
    assert.match(await refusal(platform, "versions", "drop", "demo"), /expected publish, list or delete, got "drop"/);
    assert.match(await refusal(platform, "versions", "delete", "demo"), /expected the version to delete/);
    assert.match(await refusal(platform, "versions", "publish", "none"), /service 'none' does not exist/);
  }));

test("aliases create, set, list and delete; deploy leads a trigger to one, and info, remove know it", () =>
  withPlatform(async (platform) => {
    await deploy(platform, { timeout: 1 });
    await ok(platform, "versions", "publish", "demo");
    await deploy(platform, { timeout: 2 });
    await ok(platform, "versions", "publish", "demo");
    assert.equal(await ok(platform, "aliases", "create", "demo", "prod", "1"), "demo.prod leads to version 1\n");
    const split = await ok(platform, "aliases", "set", "demo", "prod", "--weight", "2=30%");
    assert.equal(split, "demo.prod leads to version 1, with shares of the calls for 2=0.3\n");
    assert.match(await ok(platform, "aliases", "list", "demo"), /\nprod +1 +2=0\.3\n$/);
    const trigger = { name: "prod", qualifier: "prod" };
    await deploy(platform, { timeout: 3 }, [trigger]);
    await deploy(platform, { timeout: 3 });
    assert.deepEqual(
      await timeouts(platform),
      { LATEST: 3, prod: 1 },
      "LATEST's trigger is deployed beside the alias's",
    );
    assert.match(
      await ok(platform, "info", "demo.prod/f"),
      /demo\.prod\/f: https:.*\n(.*\n)* {2}version 1, 30 % version 2, ru/,
    );
    const all = await ok(platform, "aliases", "set", "demo", "prod", "2", "--json");
    assert.deepEqual(JSON.parse(all).additionalVersionWeight, {});
    assert.match(await refusal(platform, "aliases", "set", "demo", "prod"), /expected a version, --weight or --desc/);
    assert.match(
      await refusal(platform, "aliases", "set", "demo", "prod", "--weight", "2"),
      /as 2=0\.1 or 2=10%, got "2"/,
    );
    assert.match(
      await refusal(platform, "aliases", "delete", "demo", "prod"),
      /needed by trigger 'prod' of function 'f'/,
    );
    await ok(platform, "remove", "-y");
    assert.match(await ok(platform, "info"), /No functions yet/);
    assert.match(await refusal(platform, "aliases", "list", "demo"), /service 'demo' does not exist/);
  }));

test("rollback --alias: ends a split, then goes through the versions of before, and says where nothing is left", () =>
  withPlatform(async (platform) => {
    await deploy(platform, {});
    for (let count = 0; count < 4; count += 1) await ok(platform, "versions", "publish", "demo");
    await ok(platform, "aliases", "create", "demo", "prod", "2");
    await ok(platform, "aliases", "set", "demo", "prod", "4", "--weight", "3=0.1");
    const rollback = (...args: string[]) => ok(platform, "rollback", "demo", "--alias", "prod", ...args);
    assert.equal(await rollback(), "demo.prod leads all calls to version 4 (it shared them with version 3)\n");
    assert.equal(await rollback(), "demo.prod leads all calls to version 2 (before: version 4)\n");
    assert.equal(JSON.parse(await rollback("--json")).versionId, "1", "where it never was, the next lower one");
    const refused = await refusal(platform, "rollback", "demo", "--alias", "prod");
    assert.match(refused, /alias 'prod' of service 'demo' points at version 1, and there is no version before it/);
    assert.match(await rollback("--to", "3"), /to version 3 \(before: version 1\)/);
    assert.match(
      await refusal(platform, "rollback", "demo", "--alias", "none"),
      /alias 'none' of service 'demo' does not/,
    );
    assert.match(await refusal(platform, "rollback", "demo", "--alias", "prod", "--to", "9"), /version '9' of service/);
  }));

test("rollback: LATEST goes to what was published before what stands, further with each, in one change", () =>
  withPlatform(async (platform) => {
    await deploy(platform, { timeout: 1, environmentVariables: { A: "1" } });
    assert.match(await refusal(platform, "rollback", "demo"), /service 'demo' has no published version to go back to/);
    await ok(platform, "versions", "publish", "demo");
    assert.match(await refusal(platform, "rollback", "demo"), /has no version before what stands now to go back to/);
    await deploy(platform, { timeout: 2 });
    await ok(platform, "versions", "publish", "demo");
    await deploy(platform, { timeout: 3 });
    const count = platform.main.received.length;
    assert.equal(await ok(platform, "rollback", "demo"), "demo is as in version 2 again: changed f\n");
    assert.equal(platform.main.received.length, count + 1);
    assert.deepEqual(await timeouts(platform), { LATEST: 2 });
    await ok(platform, "rollback", "demo");
    const { functions } = JSON.parse(await ok(platform, "info", "--json"));
    assert.equal(functions[0].timeout, 1);
    assert.match(await refusal(platform, "rollback", "demo"), /no version before what stands now/);
    const again = JSON.parse(await ok(platform, "rollback", "demo", "--to", "2", "--json"));
    assert.deepEqual(again, { kind: "latest", versionId: "2", changed: ["f"], restored: [], kept: [] });
    assert.match(await refusal(platform, "rollback", "demo", "--to", "2"), /is as version '2' has it already/);
    assert.match(
      await refusal(platform, "rollback", "demo", "--to", "x"),
      /versionId: expected the id of a version, got "x"/,
    );
  }));
