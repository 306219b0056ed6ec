/** A Sluice that other machines reach: from a network namespace with a link to this one, as from another host. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { folderOf, missingPart, testPrograms } from "../support/clients.ts";
import { type CommandResult, eventually, runCommand, Sluice } from "../support/sluice.ts";

const root = join(import.meta.dirname, "..", "..");
const LAUNCHER = join(root, "bin", "sluice.js");

/** An address pair of this process alone (198.18.0.0/15 is for tests, RFC 2544). */
const net = `198.18.${(process.pid >> 6) & 0xff}.${(process.pid & 0x3f) * 4}`.split(".").map(Number);
const address = (at: number) => [...net.slice(0, 3), (net[3] ?? 0) + at].join(".");
const HERE = address(1);
const THERE = address(2);

/** A machine beside this one: a network namespace that ends with its process. */
class OtherMachine {
  readonly #child: ChildProcess;
  readonly home: string;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.home = mkdtempSync(join(tmpdir(), "sluice-there-"));
  }

  static async make(): Promise<OtherMachine> {
    const child = spawn("unshare", ["-n", "sleep", "3600"], { stdio: "ignore" });
    const machine = new OtherMachine(child);
    const own = await runCommand("readlink", ["/proc/self/ns/net"]);
    await eventually("the namespace", async () => {
      const { stdout } = await runCommand("readlink", [`/proc/${child.pid}/ns/net`]);
      return stdout !== "" && stdout !== own.stdout;
    });
    const [here, there] = [`slr${process.pid}h`, `slr${process.pid}t`];
    await machine.#must("ip", ["link", "add", here, "type", "veth", "peer", "name", there, "netns", String(child.pid)]);
    await machine.#must("ip", ["addr", "add", `${HERE}/30`, "dev", here]);
    await machine.#must("ip", ["link", "set", here, "up"]);
    for (const args of [
      ["addr", "add", `${THERE}/30`, "dev", there],
      ["link", "set", there, "up"],
      ["link", "set", "lo", "up"],
    ]) {
      await machine.#must("nsenter", ["-t", String(child.pid), "-n", "ip", ...args]);
    }
    return machine;
  }

  async #must(command: string, args: string[]): Promise<void> {
    const { code, stderr } = await runCommand(command, args);
    assert.equal(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
  }

  /** Runs a shell script there. */
  shell(script: string, env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
    const clean = { PATH: process.env["PATH"], HOME: this.home, ...env };
    return runCommand("nsenter", ["-t", String(this.#child.pid), "-n", "sh", "-c", script], {
      env: clean,
      cwd: this.home,
    });
  }

  /** The link goes with its end. */
  async remove(): Promise<void> {
    this.#child.kill("SIGKILL");
    rmSync(this.home, { recursive: true });
  }
}

const cannot = process.getuid?.() === 0 ? undefined : "a link to another network namespace needs root";

describe("a Sluice for other machines", { skip: missingPart(cannot), timeout: 100_000 }, () => {
  let there: OtherMachine;
  let sluice: Sluice;
  /** What makes the variables of this Sluice there. */
  let variables: string;
  const cli = `${process.execPath} ${LAUNCHER}`;
  const run = (command: string, before = "") =>
    there.shell(`eval "$VARIABLES"; ${before} ${cli} ${command}`, { VARIABLES: variables });

  before(async () => {
    there = await OtherMachine.make();
    sluice = await Sluice.start({ args: ["--api-host", "0.0.0.0", "--host", "0.0.0.0"] });
    variables = await sluice.ok(["env", "--remote", HERE]);
  });
  after(async () => {
    await sluice?.stop();
    await there?.remove();
  });

  test("deploy, info, invoke, logs and remove work from there, with what 'sluice env --remote' prints", async () => {
    const { go } = await testPrograms();
    const wanted = {
      name: "hello",
      codeUri: folderOf(go.greeter),
      function: { customRuntimeConfig: { command: ["./greeter"] } },
    };
    const file = await sluice.writeSpecification(wanted);
    const ok = async (command: string) => {
      const { code, stdout, stderr } = await run(command);
      assert.equal(code, 0, `${command}: ${stderr}`);
      return JSON.parse(command.startsWith("logs") ? `[${stdout.trim().split("\n").join(",")}]` : stdout || "null");
    };
    assert.equal((await ok(`deploy -t ${file} -y --json`)).functions[0].functionName, "hello");
    assert.equal((await ok("info --json")).functions[0].callable, true);
    const reply = await ok(`invoke test/hello SayHello -d '{"name":"there"}' --json`);
    assert.equal(reply.status.code, 0);
    assert.match(JSON.stringify(reply.messages), /there/);
    assert.ok(Array.isArray(await ok("logs test/hello --json")));
    const removed = await run(`remove -t ${file} -y`);
    assert.equal(removed.code, 0, removed.stderr);
    assert.deepEqual((await ok("info --json")).functions, []);
  });

  test("plain HTTP is answered on this machine alone, TLS on every address", async () => {
    const port = new URL(sluice.endpoint.apiUrl).port;
    const { caFile } = sluice.endpoint;
    const curl = (rest: string) => `curl -sS -m 10 -o /dev/null -w '%{http_code}' ${rest}`;
    assert.match(sluice.endpoint.apiUrl, /^http:\/\/127\.0\.0\.1:/);
    const local = await runCommand("sh", [
      "-c",
      `${curl(`http://127.0.0.1:${port}/metrics`)}; ${curl(`--cacert ${caFile} https://localhost:${port}/metrics`)}`,
    ]);
    assert.equal(local.stdout, "200200", local.stderr);
    const plain = await there.shell(`curl -sS -m 10 http://${HERE}:${port}/metrics`);
    assert.match(plain.stdout, /"Message":"This address of the API speaks TLS: ask it by https:\/\/"/, plain.stderr);
    // From another machine nothing is open without a signature.
    const paths = ["metrics", "openapi/2021-04-06.json", "sluice/v1/functions", "2021-04-06/services", "x"];
    for (const path of paths) {
      const answer = await there.shell(curl(`--cacert ${caFile} https://${HERE}:${port}/${path}`));
      assert.match(answer.stdout, /^(400|403)$/, `${path}: ${answer.stderr}`);
    }
  });

  test("what is wrong is said in one line", async () => {
    const skew = `NODE_OPTIONS='--import=data:text/javascript,const%20now=Date.now;Date.now=()=%3Enow()-36e5'`;
    const port = new URL(sluice.endpoint.apiUrl).port;
    const cases: [what: string, before: string, message: RegExp][] = [
      [
        "a wrong secret",
        "SLUICE_ACCESS_KEY_SECRET=guessed",
        /The signature is not that of this request: check the access key secret/,
      ],
      ["an unknown key", "SLUICE_ACCESS_KEY_ID=nobody", /nobody.*\(InvalidAccessKeyID, request/],
      [
        "no CA",
        "SLUICE_CA_FILE= NODE_EXTRA_CA_CERTS=",
        /is not trusted: its certificate is of a CA that is not trusted here: name that Sluice's tls\/ca\.pem/,
      ],
      [
        "a port where nothing listens",
        `SLUICE_ENDPOINT=https://${HERE}:1`,
        /nothing listens there: does Sluice run there with --api-host/,
      ],
      ["a host that is not there", `SLUICE_ENDPOINT=https://${address(3)}:${port}`, /no answer from https:/],
      [
        "a name that is not there",
        "SLUICE_ENDPOINT=https://nowhere.invalid:1",
        /(no such host name|cannot be looked up)/,
      ],
      ["plain HTTP", `SLUICE_ENDPOINT=http://${HERE}:${port}`, /This address of the API speaks TLS: ask it by https/],
      ["a CA file that is none", "SLUICE_CA_FILE=/nowhere.pem", /cannot read SLUICE_CA_FILE/],
      ["a skewed clock", skew, /x-acs-date .* is more than 15 minutes from this machine's time .*: set the clock/],
    ];
    const results = await Promise.all(cases.map(([, before]) => run("info", before)));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      const [what, , message] = cases[index] as (typeof cases)[number];
      assert.equal(code, 1, `${what}: ${stdout}${stderr}`);
      assert.match(stderr, message, what);
      assert.equal(stderr.trim().split("\n").length, 1, `${what}: ${stderr}`);
    }
  });

  test("what 'sluice env' prints survives every shell's quoting", async () => {
    const { stdout } = await there.shell(
      `eval "$VARIABLES"; printf '%s\n' "$SLUICE_ENDPOINT" "$SLUICE_ACCESS_KEY_SECRET" "$SLUICE_CA_FILE"; cat "$SLUICE_CA_FILE"`,
      { VARIABLES: variables },
    );
    const [url, secret, file, ...pem] = stdout.split("\n");
    const port = new URL(sluice.endpoint.apiUrl).port;
    assert.equal(url, `https://${HERE}:${port}`);
    assert.equal(secret, JSON.parse(await sluice.ok(["env", "--json"]))["SLUICE_ACCESS_KEY_SECRET"]);
    assert.match(file ?? "", new RegExp(`^${there.home}/\\.sluice/ca-[0-9a-f]{8}\\.pem$`));
    assert.equal(pem[0], "-----BEGIN CERTIFICATE-----");
  });
});

test("an API for other machines is not started without a certificate that can be used", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
  try {
    const args = [
      "--api-host",
      "0.0.0.0",
      "--api-cert",
      join(folder, "gone.pem"),
      "--api-key",
      join(folder, "gone.key"),
    ];
    const ports = ["--grpc-port", "0", "--api-port", "0", "--isolation", "process"];
    const start = ["start", "--data", join(folder, "data"), ...ports, ...args];
    const { code, stdout, stderr } = await runCommand(process.execPath, [LAUNCHER, ...start]);
    assert.equal(code, 1, stdout + stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /^sluice: Cannot read the API's certificate .*gone\.pem: ENOENT[^\n]*\n$/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
