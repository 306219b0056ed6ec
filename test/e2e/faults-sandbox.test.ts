/** Faults that only a sandbox lets happen: memory and processes that run out, a dead spawner. */
import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { folderOf, goMissing, testPrograms } from "../support/clients.ts";
import { ENDLESS, FaultBench, NO_TRAILERS, named } from "../support/fault-bench.ts";
import { descendantsOf } from "../support/processes.ts";
import { sandboxMissing } from "../support/sandbox.ts";
import { eventually, type TestFunction } from "../support/sluice.ts";

const MEMORY_MB = 128;

/** Hoards memory in a child of the function's program, some time after its start. */
const HOARDING_CHILD = "#!/bin/sh\n(sleep 3; exec tail /dev/zero) &\nexec ./echo hoarding-child\n";
/** Starts processes until it may not: dash says so and exits. */
const FORKS = "#!/bin/sh\nwhile :; do sleep 600 & done\n";

describe("faults in the sandbox", { skip: sandboxMissing || goMissing }, () => {
  let bench: FaultBench;
  let files: string;

  before(async () => {
    const { go } = await testPrograms();
    files = await mkdtemp(join(tmpdir(), "sluice-faults-"));
    const echo = (name: string, more: Readonly<Record<string, unknown>> = {}): TestFunction => ({
      name,
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 10, ...named("echo", name), ...more },
    });
    const script = async (name: string, text: string, memorySize: number): Promise<TestFunction> => {
      const codeUri = join(files, name);
      await mkdir(codeUri);
      await writeFile(join(codeUri, "bootstrap"), text, { mode: 0o755 });
      await copyFile(go.echo, join(codeUri, "echo"));
      return { name, codeUri, function: { instanceConcurrency: 10, memorySize } };
    };
    bench = await FaultBench.start({ isolation: "sandbox" }, [
      echo("hoards", { memorySize: MEMORY_MB }),
      await script("hoarding-child", HOARDING_CHILD, MEMORY_MB),
      await script("forks", FORKS, 1024),
      echo("orphan"),
    ]);
  });
  after(async () => {
    await bench.sluice.stop();
    await rm(files, { recursive: true });
  });

  describe("of one function", { concurrency: true }, () => {
    test("more memory than memorySize: 13 FunctionOOM for every call on the instance, a line in the log, a new one next", async () => {
      assert.equal((await bench.once("hoards")).code, "OK");
      const old = await bench.processOf("hoards");
      const bystander = await bench.open("hoards");
      const got = await bench.once("hoards", { metadata: { "x-allocate-mb": String(MEMORY_MB * 3) } });
      for (const ended of [got, await bystander.end]) {
        assert.deepEqual([ended.code, ended.errorType], ["INTERNAL", "FunctionOOM"], ended.message);
        assert.match(ended.message, NO_TRAILERS);
        assert.match(ended.message, /used more than its memorySize of 128 MB/);
      }
      assert.equal((await bench.once("hoards")).code, "OK");
      assert.notEqual(await bench.processOf("hoards"), old);
      const lines = await bench.sluice.logs("test/hoards");
      assert.ok(lines.some(({ source, text }) => source === "platform" && /used more than its memorySize/.test(text)));
    });

    test("a child that takes too much memory: 13 FunctionOOM, and the instance is replaced", async () => {
      const got = await bench.once("hoarding-child", ENDLESS);
      assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionOOM"], got.message);
      assert.ok(got.messages > 0);
      assert.equal((await bench.once("hoarding-child")).code, "OK");
    });

    test("no more processes: 14 with what the program said of it", async () => {
      const got = await bench.once("forks");
      assert.deepEqual([got.code, got.errorType], ["UNAVAILABLE", "CAExited"]);
      const lines = await bench.sluice.logs("test/forks");
      assert.ok(lines.some(({ source, text }) => source === "stderr" && /fork/i.test(text)));
      await eventually(
        "no process of it",
        () => !descendantsOf(bench.sluice.endpoint.pid).some(({ commandLine }) => commandLine === "sleep 600"),
      );
    });
  });

  test("kill -9 of the spawner: 13 FunctionExited for open calls, new ones are served again within 5 s", async () => {
    assert.equal((await bench.once("orphan")).code, "OK");
    const open = await bench.open("orphan");
    const spawner = descendantsOf(bench.sluice.endpoint.pid).find((entry) =>
      entry.commandLine.includes("spawner-main"),
    );
    assert.ok(spawner);
    process.kill(spawner.pid, "SIGKILL");
    const killedAt = performance.now();
    const got = await open.end;
    assert.deepEqual([got.code, got.errorType], ["INTERNAL", "FunctionExited"]);
    assert.ok(got.messages > 0);
    await eventually("a call that is served", async () => {
      const next = await bench.once("orphan", { deadlineMs: 5000 });
      assert.ok(next.code === "OK" || next.code === "UNAVAILABLE", `${next.code} ${next.message}`);
      return next.code === "OK";
    });
    assert.ok(performance.now() - killedAt < 5000, `${performance.now() - killedAt} ms`);
  });
});
