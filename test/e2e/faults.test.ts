/** Functions that misbehave, and what their callers are told. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { descendantsOf } from "../support/processes.ts";
import { eventually, type Info, Sluice } from "../support/sluice.ts";

describe("faults", { skip: goMissing }, () => {
  let sluice: Sluice;
  let evilDir: string;

  before(async () => {
    const { go } = await testPrograms();
    evilDir = folderOf(go.evil);
    sluice = await Sluice.start();
  });
  after(() => sluice.stop());

  function deployEvil(name: string, mode: string, more: Readonly<Record<string, unknown>> = {}): Promise<Info> {
    return sluice.deploy({
      name,
      codeUri: evilDir,
      function: {
        timeout: 2,
        instanceConcurrency: 10,
        customRuntimeConfig: { command: ["./evil"] },
        environmentVariables: { EVIL: mode },
        ...more,
      },
    });
  }

  async function statusOf(
    info: Info,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<{ code: string; message: string }> {
    const report = await runJob(sluice, info, { kind: "unary", payload: "evil", metadata, deadlineMs: 20_000 });
    return { code: Object.keys(report.codes)[0] ?? "", message: Object.keys(report.errors)[0] ?? "" };
  }

  test("a package without bootstrap, and one that is not executable, are refused before anything is sent", async () => {
    const folder = join(sluice.dataDir, "no-bootstrap");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "readme.txt"), "nothing to start");
    const wanted = { name: "empty", codeUri: folder };
    const missing = await sluice.cli(["deploy", "-t", await sluice.writeSpecification(wanted), "-y"]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /bootstrap/);
    await writeFile(join(folder, "bootstrap"), "#!/bin/sh\n", { mode: 0o644 });
    const plain = await sluice.cli(["deploy", "-t", await sluice.writeSpecification(wanted), "-y"]);
    assert.equal(plain.code, 1);
    assert.match(plain.stderr, /chmod \+x/);
    assert.equal(
      (await sluice.infos()).some((info) => info.functionName === "empty"),
      false,
    );
  });

  test("function timeout, hang, kill and wrong ends are Internal with their cause; the log has each call's line", async () => {
    const info = await deployEvil("calls", "");
    const cases: readonly (readonly [string, RegExp])[] = [
      ["hangs", /ran longer than the function's timeout of 2 s/],
      ["no-trailers", /without trailers/],
      ["dies", /killed by SIGKILL/],
    ];
    for (const [mode, words] of cases) {
      const got = await statusOf(info, { "x-evil": mode });
      assert.equal(got.code, "INTERNAL", mode);
      assert.match(got.message, /^server closed the stream without sending trailers: /);
      assert.match(got.message, words);
      const requestId = /request id: ([0-9a-f-]{36})/.exec(got.message)?.[1];
      assert.ok(requestId);
      await eventually(`the log line of ${mode}`, async () =>
        (await sluice.logs("test/calls")).find((line) => line.requestId === requestId && line.source === "platform"),
      );
    }
  });

  test("kill -9 of an instance: its calls get Internal at once, the next call a new instance", async () => {
    const { go } = await testPrograms();
    const info = await sluice.deploy({
      name: "killed",
      codeUri: folderOf(go.echo),
      function: {
        instanceConcurrency: 10,
        customRuntimeConfig: { command: ["./echo"] },
        environmentVariables: { MARK: "killed-test" },
      },
    });
    await runJob(sluice, info, {});
    const holding = runJob(sluice, info, {
      kind: "serverStream",
      metadata: { "x-repeat": "1000", "x-interval-ms": "20" },
    });
    const victims = await eventually("the instance runs", () => {
      const found = descendantsOf(sluice.endpoint.pid).filter(({ commandLine }) => commandLine === "./echo");
      return found.length > 0 ? found : undefined;
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    for (const { pid } of victims) process.kill(pid, "SIGKILL");
    const report = await holding;
    assert.deepEqual(report.codes, { INTERNAL: 1 });
    assert.ok(report.messages > 0, "what was sent before arrived");
    const again = await runJob(sluice, info, {});
    assert.deepEqual(again.codes, { OK: 1 });
  });

  test("an unknown host is Unimplemented and named; several functions behind an address are listed", async () => {
    const info = await sluice.info("test", "killed");
    const unknown = await statusOf({ ...info, host: "nobody.local.fcapp.localhost" });
    assert.equal(unknown.code, "UNIMPLEMENTED");
    assert.match(unknown.message, /nobody\.local\.fcapp\.localhost/);
    const byAddress = await statusOf({ ...info, host: "localhost" });
    assert.equal(byAddress.code, "UNIMPLEMENTED");
    assert.match(byAddress.message, /test\/killed at /);
  });
});
