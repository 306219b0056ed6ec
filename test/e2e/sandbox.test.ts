/** What the sandbox gives: a port of one's own for each instance, another user, nothing left behind. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { folderOf, goMissing, missingPart, runJob, testPrograms } from "../support/clients.ts";
import { descendantsOf, isAlive, type ProcessEntry } from "../support/processes.ts";
import { sandboxMissing } from "../support/sandbox.ts";
import { eventually, runCommand, Sluice } from "../support/sluice.ts";

describe("the sandbox", { skip: sandboxMissing }, () => {
  test("eight instances of a server fixed on port 8089 run at once, each under a user id of its own function", {
    skip: goMissing,
  }, async () => {
    const { go } = await testPrograms();
    const home = await mkdtemp(join(homedir(), ".sluice-e2e-"));
    try {
      // mkdtemp makes it 0700: other users cannot look below it.
      await using sluice = await Sluice.start({ isolation: "sandbox", dataDir: join(home, "data") });
      const info = await sluice.deploy({
        name: "fixedport",
        codeUri: folderOf(go.fixedport),
        function: { instanceConcurrency: 1, customRuntimeConfig: { command: ["./fixedport"] } },
      });
      const greeters = Array.from({ length: 8 }, () =>
        runCommand(go.greeterClient, [...sluice.clientFlags(info), "-name", "world", "-only", "hello"]),
      );
      for (const { code, stdout, stderr } of await Promise.all(greeters)) {
        assert.equal(code, 0, stderr);
        assert.match(stdout, /Greeting: Hello world/);
      }
      const own = functionsOf(sluice.endpoint.pid, "./fixedport");
      assert.ok(own.length >= 1);
      const uids = new Set(own.map((entry) => entry.uid));
      assert.equal(uids.size, 1);
      assert.ok(![...uids].includes(0));
      const echo = await sluice.deploy({
        name: "echo",
        codeUri: folderOf(go.echo),
        function: { customRuntimeConfig: { command: ["./echo"] } },
      });
      await runJob(sluice, echo, {});
      const other = functionsOf(sluice.endpoint.pid, "./echo")[0];
      assert.ok(other && !uids.has(other.uid) && other.uid !== 0);
      await sluice.stop();
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  test("nothing of a function or a namespace is left 2 s after SIGKILL of any one process of Sluice", {
    skip: goMissing,
  }, async () => {
    const { go } = await testPrograms();
    const sluice = await Sluice.start({ isolation: "sandbox" });
    const info = await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { customRuntimeConfig: { command: ["./echo"] } },
    });
    const { pid } = sluice.endpoint;
    const spawner = descendantsOf(pid).find((entry) => entry.commandLine.includes("spawner-main"));
    assert.ok(spawner, "the spawner runs");
    await runJob(sluice, info, {});
    const first = functionsOf(pid, "./echo");
    assert.equal(first.length, 1);
    process.kill(spawner.pid, "SIGKILL");
    const over = (entries: readonly ProcessEntry[]) => () => entries.every((entry) => !isAlive(entry.pid));
    await eventually("no process of a function after the spawner's death", over(first), 2000);
    assert.deepEqual((await runJob(sluice, info, {})).codes, { OK: 1 }, "a new spawner starts the next instance");
    const second = functionsOf(pid, "./echo");
    assert.equal(second.length, 1);
    const links = linksOf(pid);
    assert.ok(links.length > 0, "the links of its namespaces");
    process.kill(pid, "SIGKILL");
    await eventually("no process of a function after main's death", over(second), 2000);
    await eventually(
      "no network interface after main's death",
      () => links.every((link) => !interfaces().includes(link)),
      2000,
    );
    await sluice.stop();
    assert.equal(isAlive(pid), false);
  });

  test("the demo runs with the Node.js that runs Sluice, and functions see none of the host's files", async () => {
    await using sluice = await Sluice.start({ isolation: "sandbox", args: ["--demo"] });
    assert.match(sluice.output, /Hello world/);
    const folder = join(sluice.dataDir, "looker");
    await mkdir(folder);
    const script = "#!/bin/sh\nid -u; which node; ls / /root /home 2>&1; cat /etc/shadow 2>&1; env; exit 7\n";
    await writeFile(join(folder, "bootstrap"), script, { mode: 0o755 });
    const info = await sluice.deploy({ name: "looker", codeUri: folder });
    await runJob(sluice, info, { deadlineMs: 10_000 });
    const text = await eventually("its output", async () => {
      const all = (await sluice.logs("test/looker"))
        .filter((line) => line.source === "stdout")
        .map((line) => line.text);
      return all.some((line) => line.startsWith("FC_FUNCTION_NAME=")) ? all.join("\n") : undefined;
    });
    assert.doesNotMatch(text, /^0$/m, "not root");
    assert.match(text, /node$/m, "node is in PATH");
    assert.match(text, /cannot (access|open directory) '\/root'/);
    assert.match(text, /shadow: No such file/);
    assert.match(text, /FC_FUNCTION_NAME=looker/);
    assert.doesNotMatch(text, /SLUICE_/);
  });
});

/** Processes below this Sluice that run a fixture as a function. */
function functionsOf(pid: number, program: string): ProcessEntry[] {
  return descendantsOf(pid).filter((entry) => entry.commandLine.startsWith(program));
}

/** Numbers of this machine's network interfaces. */
function interfaces(): number[] {
  const { stdout } = spawnSync("ip", ["-o", "link"], { encoding: "utf8" });
  return stdout.split("\n").map((line) => Number.parseInt(line, 10));
}

/** Numbers of the host's ends of the links into the namespaces that processes below this one are in. */
function linksOf(pid: number): number[] {
  const inside = descendantsOf(pid).map((entry) => {
    const args = ["-t", String(entry.pid), "-n", "ip", "-o", "link", "show", "eth0"];
    return Number(/eth0@if(\d+):/.exec(spawnSync("nsenter", args, { encoding: "utf8" }).stdout)?.[1]);
  });
  return [...new Set(inside.filter((link) => link > 0))];
}

test("the seed's s.yaml deploys as it stands, and the printed commands work verbatim with two functions deployed", {
  skip: sandboxMissing || goMissing,
}, async () => {
  await testPrograms();
  const root = join(import.meta.dirname, "..", "..");
  await using sluice = await Sluice.start({ isolation: "sandbox" });
  await sluice.ok(["deploy", "-t", join(root, "examples", "node-greeter", "s.yaml"), "-y"]);
  const printed = await sluice.cli(["deploy", "-t", join(root, "test", "fixtures", "seed", "s.yaml"), "-y"]);
  assert.equal(printed.code, 0, printed.stderr);
  const { pythonClient, pythonMissing } = await testPrograms();
  const python = pythonClient === undefined ? "" : `${dirname(pythonClient.command[0])}:`;
  const go = spawnSync("go", ["env", "GOPATH"], { encoding: "utf8" }).stdout.trim();
  const path = `${python}${go}/bin:${process.env["PATH"]}`;
  const usable = missingPart(pythonMissing) ? ["golang-greeter"] : ["golang-greeter", "python-greeter"];
  for (const example of usable) {
    const said = await sluice.ok(["deploy", "-t", join(root, "examples", example, "s.yaml"), "-y"]);
    const commands = said.split("\n").filter((line) => /^ {2}[a-z]/.test(line));
    assert.ok(commands.length >= 3, said);
    for (const command of commands) {
      if (command.includes("python") && missingPart(pythonMissing)) continue;
      if (command.includes("grpcurl") && missingPart(grpcurlMissing(path))) continue;
      const env = { ...process.env, SLUICE_DATA: sluice.dataDir, PATH: path };
      const result = await runCommand("sh", ["-c", command], { cwd: root, env });
      assert.equal(result.code, 0, `${command}\n${result.stdout}${result.stderr}`);
      assert.match(result.stdout, /Hello world/, command);
    }
  }
  assert.match(await readFile(join(sluice.dataDir, "endpoint.json"), "utf8"), /grpcAddress/);
});

function grpcurlMissing(path: string): string | undefined {
  const found = spawnSync("sh", ["-c", "command -v grpcurl"], { env: { ...process.env, PATH: path } }).status === 0;
  return found ? undefined : "grpcurl is not installed";
}
