/** Calls to functions that are container images: the example as users deploy it, and a server that counts everything. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startDockerDaemon } from "../../src/drivers/testing/docker-daemon.ts";
import { assertMatrix, callOnce, dashed, goMissing, runJob, runMatrix, testPrograms } from "../support/clients.ts";
import { descendantsOf } from "../support/processes.ts";
import { eventually, type Info, runCommand, Sluice, type TestFunction } from "../support/sluice.ts";

const docker = await startDockerDaemon();
const env = "skip" in docker ? {} : { DOCKER_HOST: docker.address, DOCKER_BUILDKIT: "0" };
const example = join(import.meta.dirname, "..", "..", "examples", "golang-greeter-container");

describe("functions that are images", { skip: "skip" in docker ? docker.skip : goMissing }, () => {
  let folder: string;
  let sluice: Sluice;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-images-"));
    cpSync(example, join(folder, "greeter"), { recursive: true });
    sluice = await Sluice.start({ isolation: "auto", env });
  });
  after(async () => {
    await sluice?.stop();
    rmSync(folder, { recursive: true });
  });
  after(async () => {
    if ("stop" in docker) await docker.stop();
  });

  async function deployGreeter(): Promise<Info> {
    const { code, stderr } = await sluice.cli(["deploy", "-t", join(folder, "greeter", "s.yaml")], env);
    assert.equal(code, 0, stderr);
    return sluice.info("grpc-demo", "golang-grpc-container");
  }

  async function greet(info: Info): Promise<string> {
    const { go } = await testPrograms();
    const { code, stdout, stderr } = await runCommand(go.greeterClient, [...sluice.clientFlags(info)]);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  test("the example, copied alone, is built and deployed, and its client makes all four kinds of calls", async () => {
    const info = await deployGreeter();
    assert.deepEqual((await greet(info)).trimEnd().split("\n"), [
      "Greeting: Hello world",
      "Features: 12, from Heron Lock to Outer Gate",
      "Route: 3 points, 2 features, 4821 m",
      'Chat: 1 earlier note here: ["setting out"]',
    ]);
  });

  test("a changed image answers calls when its deploy returns, and an unchanged one makes no new revision", async () => {
    const before = await deployGreeter();
    assert.equal((await deployGreeter()).revisionId, before.revisionId);
    const source = join(folder, "greeter", "code", "greeter.go");
    const text = readFileSync(source, "utf8");
    assert.match(text, /"Hello "/);
    writeFileSync(source, text.replace('"Hello "', '"Servus "'));
    const changed = await deployGreeter();
    assert.notEqual(changed.revisionId, before.revisionId);
    assert.match(await greet(changed), /^Greeting: Servus world$/m);
  });

  describe("a server of the test programs in an image from scratch", () => {
    let echo: Info;

    before(async () => {
      await build("echo:1");
      echo = await deployEcho("echo", "echo:1");
    });

    async function engine(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await runCommand("docker", args, { env: { ...process.env, ...env } });
      assert.equal(code, 0, `docker ${args.join(" ")}: ${stderr}`);
      return stdout.trim();
    }

    /** Its program is not the image's own entry point, so that `command` is what starts it. */
    async function build(reference: string): Promise<void> {
      const { go } = await testPrograms();
      const context = mkdtempSync(join(folder, "echo-"));
      cpSync(go.echo, join(context, "echo"));
      const text = `FROM scratch\nLABEL name=${reference}\nCOPY echo /echo\nENTRYPOINT ["/none"]\n`;
      writeFileSync(join(context, "Dockerfile"), text);
      await engine("build", "--tag", reference, context);
    }

    function deployEcho(name: string, image: string): Promise<Info> {
      return sluice.deploy(ofEcho(name, image));
    }

    function ofEcho(name: string, image: string): TestFunction {
      return {
        name,
        runtime: "custom-container",
        function: {
          instanceConcurrency: 100,
          memorySize: 256,
          customContainerConfig: { image, command: '["/echo"]' },
        },
      };
    }

    test("grpc-go passes its matrix", async () => {
      const { go } = await testPrograms();
      assertMatrix(await runMatrix([go.client], [...sluice.clientFlags(echo), "matrix"]));
    });

    test("@grpc/grpc-js passes its matrix", async () => {
      const { nodeClient } = await testPrograms();
      assertMatrix(await runMatrix(nodeClient.command, dashed(sluice.clientFlags(echo))));
    });

    test("many calls at once, and what it prints is in its log", async () => {
      const report = await runJob(sluice, echo, { kind: "bidi", calls: 200, workers: 50, messages: 5 });
      assert.deepEqual([report.codes, report.mismatches], [{ OK: 200 }, 0]);
      const lines = await sluice.logs("test/echo");
      assert.ok(lines.some(({ source, text }) => source === "stdout" && text.startsWith("echo listening on")));
    });

    test("what a Sluice leaves that is killed with its spawner ends when the next one starts", async () => {
      const dataDir = mkdtempSync(join(folder, "data-"));
      const killed = await Sluice.start({ isolation: "auto", env, dataDir });
      const doomed = await killed.deploy(ofEcho("doomed", "echo:1"));
      assert.equal((await callOnce(killed, doomed)).code, "OK");
      const containers = () => engine("ps", "--quiet", "--filter", "label=sluice.function=test/doomed");
      assert.notEqual(await containers(), "");
      const { pid } = killed.endpoint;
      const below = descendantsOf(pid);
      for (const each of [pid, ...below.map((entry) => entry.pid)]) process.kill(each, "SIGKILL");
      await killed.exited;
      assert.notEqual(await containers(), "", "the engine is nobody's child");
      await using next = await Sluice.start({ isolation: "auto", env, dataDir });
      await eventually("its container is gone", async () => (await containers()) === "");
      assert.deepEqual((await next.info("test", "doomed")).instances, []);
    });

    test("an image that was deleted is the reason that calls fail, until it is deployed again", async () => {
      await build("echo:gone");
      const gone = await deployEcho("gone", "echo:gone");
      await engine("rmi", "--force", "echo:gone");
      const report = await callOnce(sluice, gone);
      assert.equal(report.code, "UNAVAILABLE");
      assert.match(report.message, /the image echo:gone \(sha256:\w+\) is no longer on this machine: deploy/);
      await build("echo:gone");
      const again = await deployEcho("gone", "echo:gone");
      assert.equal((await callOnce(sluice, again)).code, "OK");
    });
  });
});
