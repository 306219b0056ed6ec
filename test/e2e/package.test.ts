/** The package as npm would publish it: compiled, installed into an empty folder, started there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { runCommand } from "../support/sluice.ts";

const root = join(import.meta.dirname, "..", "..");

test("npm pack gives a package that works installed elsewhere: --version, start, SIGTERM", {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-package-"));
  try {
    const packed = await runCommand("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root });
    assert.equal(packed.code, 0, packed.stderr);
    const [{ filename, files }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("[\n")));
    const paths = (files as { path: string }[]).map((file) => file.path);
    assert.ok(paths.includes("dist/cli/main.js"));
    assert.deepEqual(
      paths.filter((path) => /\.test\.|\/testing\/|^src\//.test(path)),
      [],
    );
    const installed = await runCommand(
      "npm",
      ["install", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", folder, join(folder, filename)],
      { cwd: folder },
    );
    assert.equal(installed.code, 0, installed.stderr);
    const sluice = join(folder, "node_modules", ".bin", "sluice");
    const version = await runCommand(sluice, ["--version"], { cwd: folder });
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const child = spawn(
      sluice,
      ["start", "--data", join(folder, "data"), "--grpc-port", "0", "--api-port", "0", "--isolation", "process"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const exited = new Promise((resolve) => child.once("exit", resolve));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("sluice ready ")) child.kill("SIGTERM");
    });
    assert.equal(await exited, 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
