import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Snapshot } from "../model/model.ts";
import { fc, openControl, sdkClient } from "./testing/control-under-test.ts";
import { codeOf } from "./testing/samples.ts";

/**
 * Deploys functions one after the other, and kills the control plane while it works on one, `turns` turns of the loop
 * after that was sent. Returns the names of those that it acknowledged.
 */
async function deployUntilKilled(dataDir: string, run: number, count: number, turns: number): Promise<string[]> {
  const program = join(import.meta.dirname, "testing/control-forever.ts");
  const child = spawn(process.execPath, [program, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  const sdk = sdkClient(Number(port));
  if (run === 0) await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
  const acknowledged: string[] = [];
  const deploy = async (functionName: string) => {
    const request = { functionName, runtime: "custom", code: codeOf(functionName) };
    await sdk.createFunction("svc", new fc.CreateFunctionRequest(request));
    acknowledged.push(functionName);
  };
  for (let index = 0; index < count; index += 1) await deploy(`f${run}-${index}`);
  const last = deploy(`f${run}-last`).catch(() => undefined);
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  child.kill("SIGKILL");
  await Promise.all([exited, last]);
  return acknowledged;
}

test("kill -9 while functions are deployed: each that was acknowledged is there, whole; none is there in part", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "sluice-durability-"));
  try {
    const acknowledged: string[] = [];
    for (const [run, [count, turns]] of [
      [3, 0],
      [1, 20],
      [2, 200],
      [1, 2000],
    ].entries()) {
      acknowledged.push(...(await deployUntilKilled(dataDir, run, count ?? 0, turns ?? 0)));
    }
    assert.ok(acknowledged.length >= 7);
    const { control, main } = await openControl(dataDir);
    const { entries } = main.received[0] as Snapshot;
    const functions = entries.flatMap((entry) => (entry.kind === "function" ? [entry.revision] : []));
    const names = new Set(functions.map(({ functionName }) => functionName));
    for (const name of acknowledged) assert.ok(names.has(name), `${name} was acknowledged and is lost`);
    for (const { codeDir } of functions) {
      await access(join(codeDir, "bootstrap"));
      await access(`${codeDir}.zip`);
    }
    assert.equal((await readdir(join(dataDir, "code"))).length, functions.length * 2);
    await control.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});
