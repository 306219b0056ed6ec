/** What a person at the terminal has: a launcher in front, a log that follows. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { descendantsOf, isAlive } from "../support/processes.ts";
import { eventually, Sluice } from "../support/sluice.ts";

const root = join(import.meta.dirname, "..", "..");

describe("at the terminal", () => {
  test("SIGKILL of the launcher, below an older Node.js or npm, ends everything that it started", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sluice-launcher-"));
    const args = ["--data", dataDir, "--grpc-port", "0", "--api-port", "0", "--isolation", "process", "--demo"];
    const launcher = spawn(
      process.execPath,
      [join(root, "bin", "node24.js"), join(root, "src", "cli", "main.ts"), "start", ...args],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      for await (const line of createInterface({ input: launcher.stdout })) {
        if (line.startsWith("sluice ready ")) break;
      }
      const started = descendantsOf(launcher.pid as number);
      assert.ok(started.length >= 3, "server, spawner and the demo's instance");
      launcher.kill("SIGKILL");
      await once(launcher, "exit");
      await eventually("nothing of it runs", () => started.every(({ pid }) => !isAlive(pid)));
    } finally {
      launcher.kill("SIGKILL");
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test("SIGTERM to the launcher ends everything with exit 0, while somebody reads what is printed", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sluice-launcher-"));
    const args = ["--data", dataDir, "--grpc-port", "0", "--api-port", "0", "--isolation", "process"];
    const launcher = spawn(
      process.execPath,
      [join(root, "bin", "node24.js"), join(root, "src", "cli", "main.ts"), "start", ...args],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      const exited = once(launcher, "exit");
      const lines: string[] = [];
      const output = createInterface({ input: launcher.stdout });
      output.on("line", (line) => {
        lines.push(line);
        if (line.startsWith("sluice ready ")) launcher.kill("SIGTERM");
      });
      assert.deepEqual(await exited, [0, null]);
      assert.match(lines.at(-1) ?? "", /^sluice stopping: 0 calls left/);
    } finally {
      launcher.kill("SIGKILL");
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test("logs -f shows what a function writes within 200 ms (median of 10)", { skip: goMissing }, async () => {
    const { go } = await testPrograms();
    await using sluice = await Sluice.start();
    const info = await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./echo"] } },
    });
    await runJob(sluice, info, {});
    const following = spawn(process.execPath, [join(root, "bin", "sluice.js"), "logs", "test/echo", "-f", "--json"], {
      env: { ...process.env, SLUICE_DATA: sluice.dataDir },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lateMs: number[] = [];
    createInterface({ input: following.stdout }).on("line", (line) => {
      // The fixture writes "start ID EPOCH-MS".
      const writtenAt = /^start late-\d+ (\d+)$/.exec(JSON.parse(line).text)?.[1];
      if (writtenAt !== undefined) lateMs.push(Date.now() - Number(writtenAt));
    });
    try {
      for (let call = 1; call <= 10; call++) {
        await runJob(sluice, info, { metadata: { "x-call-id": `late-${call}` } });
        // The first may be past before the reader is there; it is shown all the same.
        await eventually(`line ${call} is shown`, () => lateMs.length >= call);
      }
      const median = lateMs.sort((a, b) => a - b)[5] as number;
      assert.ok(median <= 200, `median ${median} ms`);
    } finally {
      following.kill("SIGTERM");
      await once(following, "exit");
    }
  });
});
