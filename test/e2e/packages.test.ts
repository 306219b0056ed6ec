/** Large code packages through `sluice deploy`: memory, retries, Ctrl-C, a full disk. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missingPart } from "../support/clients.ts";
import { eventually, runCommand, Sluice } from "../support/sluice.ts";

const root = join(import.meta.dirname, "..", "..");
const LAUNCHER = join(root, "bin", "sluice.js");
const MIB = 1024 ** 2;

/** A folder whose zip has a little more than `megabytes`; what is in it differs each time. */
function folderOf(scratch: string, name: string, megabytes: number): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "bootstrap"), "#!/bin/sh\nsleep 1000\n");
  chmodSync(join(folder, "bootstrap"), 0o755);
  writeFileSync(join(folder, "data"), randomBytes(megabytes * MIB));
  return folder;
}

/** Variables by which the CLI reaches a Sluice through another port. */
async function variables(sluice: Sluice, port: number): Promise<Record<string, string>> {
  const printed = JSON.parse(await sluice.ok(["env", "--json"])) as Record<string, string>;
  return { ...printed, SLUICE_ENDPOINT: `http://127.0.0.1:${port}`, SLUICE_DATA: "" };
}

/** Passes connections on; what becomes of the bytes of the first ones `meddle` decides. */
async function proxyTo(apiUrl: string, meddle: (client: Socket, server: Socket, count: number) => void) {
  const sockets = new Set<Socket>();
  let count = 0;
  const proxy = createServer((client) => {
    const server = connect(Number(new URL(apiUrl).port), "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    client.pipe(server).pipe(client);
    client.on("close", () => server.destroy());
    count += 1;
    meddle(client, server, count);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const close = () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (proxy.address() as AddressInfo).port, [Symbol.dispose]: close };
}

describe("large packages", { timeout: 100_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), "sluice-large-"));
  let sluice: Sluice;
  before(async () => {
    sluice = await Sluice.start();
  });
  after(async () => {
    await sluice.stop();
    rmSync(scratch, { recursive: true });
  });

  const codeFiles = () => readdirSync(join(sluice.dataDir, "code"));
  const memoryMb = (field: "VmRSS" | "VmHWM") => {
    const status = readFileSync(`/proc/${sluice.endpoint.pid}/status`, "utf8");
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  };

  test("one of 20 MB in its request, one of 52 MB by itself: Sluice's memory stays; the same again is not sent", async (t) => {
    const beforeMb = memoryMb("VmRSS");
    await sluice.deploy({ name: "middle", codeUri: folderOf(scratch, "middle", 20) });
    const file = await sluice.writeSpecification({ name: "large", codeUri: folderOf(scratch, "large", 52) });
    const first = await sluice.cli(["deploy", "-t", file, "-y"]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /^Uploading test\/large \(53 MB\)$/m);
    const grownMb = memoryMb("VmHWM") - beforeMb;
    t.diagnostic(`memory above idle: ${grownMb.toFixed(0)} MB`);
    assert.ok(grownMb < 200, `${grownMb} MB`);
    const again = await sluice.cli(["deploy", "-t", file, "-y"]);
    assert.equal(again.code, 0, again.stderr);
    assert.doesNotMatch(again.stderr, /Uploading/);
  });

  test("a connection that breaks is told and tried again", async () => {
    // The first connection that carries megabytes breaks off in the middle.
    let hasBroken = false;
    using proxy = await proxyTo(sluice.endpoint.apiUrl, (client, server) => {
      let sizeBytes = 0;
      client.on("data", (chunk) => {
        sizeBytes += chunk.length;
        if (hasBroken || sizeBytes < 10 * MIB) return;
        hasBroken = true;
        client.resetAndDestroy();
        server.resetAndDestroy();
      });
    });
    const file = await sluice.writeSpecification({ name: "broken", codeUri: folderOf(scratch, "broken", 52) });
    const { code, stderr } = await sluice.cli(["deploy", "-t", file, "-y"], await variables(sluice, proxy.port));
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /broke off: no answer from http:\/\/127\.0\.0\.1:\d+: .*\n {2}once more in 0\.5 s \(attempt 2 of 4\)/,
    );
    assert.ok(hasBroken);
  });

  test("Ctrl-C in an upload ends it at once and leaves nothing", async () => {
    const before = codeFiles().length;
    const reached = Promise.withResolvers<void>();
    using proxy = await proxyTo(sluice.endpoint.apiUrl, (client, server) => {
      let sizeBytes = 0;
      client.on("data", (chunk) => {
        sizeBytes += chunk.length;
        if (sizeBytes < 5 * MIB) return;
        client.unpipe(server);
        client.resume();
        reached.resolve();
      });
    });
    const file = await sluice.writeSpecification({ name: "stopped", codeUri: folderOf(scratch, "stopped", 52) });
    const env = { ...process.env, ...(await variables(sluice, proxy.port)) };
    const child = spawn(process.execPath, [LAUNCHER, "deploy", "-t", file, "-y"], { env, stdio: "pipe" });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    await reached.promise;
    assert.equal(codeFiles().length, before + 1, "a file on its way in");
    child.kill("SIGINT");
    const [code, signal] = await once(child, "close");
    assert.ok(signal === "SIGINT" || code === 130, `${code} ${signal}`);
    assert.match(stderr, /stopped: nothing of it is kept\n$/);
    await eventually("nothing of it is left", () => codeFiles().length === before);
  });
});

const cannotMount = process.getuid?.() === 0 ? undefined : "mounting a small disk needs root";

test("a full disk: one line that says so, and nothing is left", {
  skip: missingPart(cannotMount),
  timeout: 100_000,
}, async () => {
  const scratch = mkdtempSync(join(tmpdir(), "sluice-disk-"));
  const dataDir = join(scratch, "data");
  mkdirSync(dataDir);
  // A disk of its own, seen by this Sluice alone and gone with it.
  const script = `mount -t tmpfs -o size=150m tmpfs ${dataDir} && exec "$@"`;
  const start = ["start", "--data", dataDir, "--grpc-port", "0", "--api-port", "0", "--isolation", "process"];
  const args = ["-m", "sh", "-c", script, "sh", process.execPath, LAUNCHER, ...start];
  const child = spawn("unshare", args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_command: undefined },
  });
  try {
    const [line] = await once(child.stdout.setEncoding("utf8"), "data");
    const pid = /pid=(\d+)/.exec(String(line))?.[1] ?? "";
    const inside = (path: string) => `/proc/${pid}/root${path}`;
    const env = { ...process.env, SLUICE_DATA: "" };
    const printed = await runCommand("nsenter", [
      "-t",
      pid,
      "-m",
      process.execPath,
      LAUNCHER,
      "env",
      "--json",
      "--data",
      dataDir,
    ]);
    const file = join(scratch, "s.yaml");
    const deploy = async (codeUri: string) => {
      writeFileSync(
        file,
        `edition: 1.0.0\nservices:\n  f:\n    component: fc\n    props:\n      service: {name: s}\n      function: {name: f, runtime: custom, codeUri: ${codeUri}}\n`,
      );
      return runCommand(process.execPath, [LAUNCHER, "deploy", "-t", file, "-y"], {
        env: { ...env, ...JSON.parse(printed.stdout) },
      });
    };
    // By itself: refused before it is sent. In its request: as soon as its length is known. Unpacked: before it is written.
    for (const megabytes of [100, 45]) {
      const { code, stderr } = await deploy(folderOf(scratch, `code-${megabytes}`, megabytes));
      assert.equal(code, 1, stderr);
      assert.match(
        stderr,
        /\nsluice: .*The disk has no room for the code package: \d+ MB are needed.*\(ResourceExhausted, request [0-9a-f-]+\)\n$/,
      );
      assert.deepEqual(readdirSync(join(inside(dataDir), "code")), []);
    }
    const small = await deploy(folderOf(scratch, "code-1", 1));
    assert.equal(small.code, 0, small.stderr);
  } finally {
    child.kill("SIGTERM");
    await once(child, "close");
    rmSync(scratch, { recursive: true });
  }
});
