import assert from "node:assert/strict";
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { parse } from "yaml";
import { startTlsFront, type TlsFront } from "../test/fixtures/tls-front.ts";

const here = import.meta.dirname;
const examples = readdirSync(here).filter((name) => existsSync(join(here, name, "s.yaml")));
const nodeExample = join(here, "node-greeter");

function read(...path: string[]): string {
  return readFileSync(join(here, ...path), "utf8");
}

describe("every example", () => {
  test("there are examples in three languages, one of them as an image too", () => {
    assert.deepEqual(examples.sort(), ["golang-greeter", "golang-greeter-container", "node-greeter", "python-greeter"]);
  });

  test("can be copied alone, and its copies of proto file and features are the same as in the others", () => {
    for (const name of examples) {
      assert.equal(read(name, "proto/helloworld.proto"), read("golang-greeter/proto/helloworld.proto"), name);
      assert.equal(read(name, "code/features.json"), read("golang-greeter/code/features.json"), name);
      assert.ok(existsSync(join(here, name, "README.md")), name);
    }
  });

  test("has an s.yaml with a service and function of its own, gRPC's port, and a trigger that allows POST", () => {
    const names = new Set<string>();
    for (const name of examples) {
      const { props } = parse(read(name, "s.yaml")).services.greeter;
      assert.equal(props.service, "$" + "{vars.service}", name);
      names.add(`${parse(read(name, "s.yaml")).vars.service.name}/${props.function.name}`);
      assert.equal(props.function.caPort, 8089, name);
      assert.equal(props.function.runtime, name.endsWith("-container") ? "custom-container" : "custom", name);
      assert.ok(props.triggers[0].config.methods.includes("POST"), name);
    }
    assert.equal(names.size, examples.length);
  });
});

test("the greeter as an image is the same Go program", () => {
  const files = globSync("{code,proto}/*.{go,proto,json}", { cwd: join(here, "golang-greeter") });
  assert.ok(files.length > 5);
  for (const file of [...files, "go.mod", "go.sum"]) {
    assert.equal(read("golang-greeter-container", file), read("golang-greeter", file), file);
  }
});

describe("the Node.js greeter", () => {
  const hostName = "greeter.example";
  const directory = mkdtempSync(join(tmpdir(), "sluice-examples-"));
  let server: ChildProcess;
  let port: number;
  let front: TlsFront;

  before(async () => {
    execFileSync(process.execPath, ["prepare.js"], { cwd: nodeExample, stdio: "ignore" });
    server = spawn(join(nodeExample, "code/bootstrap"), {
      env: { PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`, FC_SERVER_PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(server.stdout!, "data");
    port = Number(/listening on \[::\]:(\d+)/.exec(String(line))?.[1]);
    server.stdout!.resume();
    front = await startTlsFront({ hostName, upstreamPort: port, directory });
  });

  after(async () => {
    await front?.[Symbol.asyncDispose]();
    server?.kill("SIGKILL");
    rmSync(directory, { recursive: true });
  });

  function runClient(...args: string[]) {
    const environment = { ...process.env, SLUICE_CA_FILE: "" };
    return promisify(execFile)(process.execPath, [join(nodeExample, "client.js"), ...args], { env: environment });
  }

  test("answers all four kinds of calls of its client over TLS, the host name given as authority", async () => {
    const address = ["-addr", `https://127.0.0.1:${front.port}`, "-authority", hostName, "-cafile", front.caFile];
    const { stdout } = await runClient(...address);
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "Greeting: Hello world",
      "Features: 12, from Heron Lock to Outer Gate",
      "Route: 3 points, 2 features, 4821 m",
      'Chat: 1 earlier note here: ["setting out"]',
    ]);
    assert.equal(front.serverNames.at(-1), hostName);
  });

  test("its client refuses a certificate that it has no reason to trust, with one line and exit code 1", async () => {
    const attempt = runClient("-addr", `127.0.0.1:${front.port}`, "-authority", hostName, "-only", "hello");
    await assert.rejects(attempt, (error: { code: number; stdout: string; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.equal(error.stdout, "");
      assert.match(error.stderr, /^greeter client: hello: 14 UNAVAILABLE: .*certificate.*\n$/);
      return true;
    });
  });

  /** A client of a service that comes with a package, by the package's proto file. */
  function toolClient(protoFile: string, service: string) {
    const definition = protoLoader.loadSync(createRequire(import.meta.url).resolve(protoFile), { keepCase: true });
    const Client = grpc.makeClientConstructor(definition[service] as grpc.ServiceDefinition, service);
    return new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  }

  test("answers health checks, whose code it loads at the first one", async () => {
    const client = toolClient("grpc-health-check/proto/health/v1/health.proto", "grpc.health.v1.Health");
    const check = promisify(client["Check"]!.bind(client)) as (request: object) => Promise<{ status: number }>;
    const SERVING = 1;
    for (const service of ["", "helloworld.Greeter"]) assert.equal((await check({ service })).status, SERVING);
    await assert.rejects(check({ service: "unheard.Of" }), { code: grpc.status.NOT_FOUND });
    client.close();
  });

  for (const version of ["v1", "v1alpha"]) {
    test(`lists its service and its fields by reflection ${version}`, async () => {
      const protoFile = `@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`;
      const client = toolClient(protoFile, `grpc.reflection.${version}.ServerReflection`);
      const call = client["ServerReflectionInfo"]!();
      call.write({ list_services: "" });
      call.end({ file_containing_symbol: "helloworld.RouteSummary" });
      const [services, files] = await Array.fromAsync(call as AsyncIterable<ReflectionReply>);
      client.close();
      assert.ok(services?.list_services_response?.service.some(({ name }) => name === "helloworld.Greeter"));
      const [file] = files?.file_descriptor_response?.file_descriptor_proto ?? [];
      assert.match(file?.toString("latin1") ?? "", /point_count/);
    });
  }

  test("ends with exit code 0 at SIGTERM", async () => {
    server.kill("SIGTERM");
    assert.deepEqual(await once(server, "exit"), [0, null]);
  });
});

interface ReflectionReply {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
}

describe("the Node.js greeter's prepare.js", () => {
  test("does nothing where nothing has changed", () => {
    const prepare = () => execFileSync(process.execPath, ["prepare.js"], { cwd: nodeExample, encoding: "utf8" });
    prepare();
    const preparedAt = statSync(join(nodeExample, "code/node_modules/.stamp")).mtimeMs;
    assert.equal(prepare(), "");
    assert.equal(statSync(join(nodeExample, "code/node_modules/.stamp")).mtimeMs, preparedAt);
  });

  test("says what to install where the packages are missing", () => {
    const alone = mkdtempSync(join(tmpdir(), "sluice-examples-"));
    cpSync(nodeExample, alone, { recursive: true, filter: (path) => !path.includes("node_modules", here.length) });
    const { status, stderr } = spawnSync(process.execPath, ["prepare.js"], { cwd: alone, encoding: "utf8" });
    rmSync(alone, { recursive: true });
    assert.equal(status, 1);
    assert.match(stderr, /^prepare: the package @grpc\/grpc-js is not installed: run 'npm ci' in .* first\n$/);
  });
});
