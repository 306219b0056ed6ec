import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import { load, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { makeCertificate } from "../../control/testing/certificates.ts";
import { type PlatformUnderTest, withPlatform } from "../testing/platform-under-test.ts";

const PROTO = join(import.meta.dirname, "testing", "atlas.proto");

interface Question {
  readonly text: string;
  readonly detail?: unknown;
  readonly place?: unknown;
}

interface Answer {
  readonly said: string;
  readonly detail?: unknown;
  readonly place?: unknown;
}

/** A gRPC server behind TLS in the gateway's place. */
async function startServer(definition: PackageDefinition, hasReflection: boolean) {
  const pair = await makeCertificate(["*.local.fcapp.localhost"]);
  const server = new Server();
  const ask: handleUnaryCall<Question, Answer> = ({ request: { text, detail, place }, metadata }, done) => {
    const trailers = new Metadata();
    trailers.set("x-heard", String(metadata.get("x-said")[0] ?? ""));
    done(null, { said: `asked ${text}`, detail, place }, trailers);
  };
  const askMany: handleClientStreamingCall<Question, Answer> = (call, done) => {
    const texts: string[] = [];
    call.on("data", ({ text }: Question) => texts.push(text));
    call.on("end", () => done(null, { said: texts.join("+") }));
  };
  const list: handleServerStreamingCall<Question, Answer> = (call) => {
    for (const number of [1, 2]) call.write({ said: `${call.request.text} ${number}` });
    call.end();
  };
  const refuse: handleUnaryCall<Question, Answer> = (_call, done) => {
    done({ code: status.NOT_FOUND, details: "no such place: Ødegård" });
  };
  server.addService(definition["testing.Atlas"] as ServiceDefinition, {
    Ask: ask,
    AskMany: askMany,
    List: list,
    Refuse: refuse,
  });
  if (hasReflection) new ReflectionService(definition).addToServer(server);
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(pair.certificate), private_key: Buffer.from(pair.privateKey) },
  ]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { server, port, caPem: pair.certificate };
}

/** A platform with one function `demo/atlas`, whose calls lead to such a server. */
async function withAtlas(
  work: (platform: PlatformUnderTest) => Promise<void>,
  { hasReflection = true } = {},
): Promise<void> {
  const { server, port, caPem } = await startServer(await load(PROTO, { keepCase: true }), hasReflection);
  try {
    await withPlatform(
      async (platform) => {
        const caFile = await platform.write("ca.pem", caPem);
        await platform.write("bootstrap", "#!/bin/sh\n", 0o755);
        await platform.write(
          "s.yaml",
          [
            "edition: 1.0.0",
            "services:",
            "  one:",
            "    component: fc",
            "    props:",
            "      service: {name: demo}",
            "      function: {name: atlas, runtime: custom}",
            "      triggers: [{name: web, type: http, config: {authType: anonymous, methods: [POST]}}]",
          ].join("\n"),
        );
        await platform.write(".fcignore", "*\n!bootstrap\n");
        const deployed = await platform.run(["deploy"]);
        assert.equal(deployed.code, 0, deployed.stderr);
        const run: PlatformUnderTest["run"] = (args, change) =>
          platform.run(["invoke", "demo/atlas", ...args], {
            ...change,
            env: { SLUICE_CA_FILE: caFile, ...change?.env },
          });
        await work({ ...platform, run });
      },
      { grpcPort: port },
    );
  } finally {
    server.forceShutdown();
  }
}

const REQUEST = JSON.stringify({
  text: "it",
  detail: { rawBytes: "AAEC" },
  place: { placeKind: "TOWN", farAway: "-9007199254740993" },
});
const ANSWER = {
  said: "asked it",
  place: { placeKind: "TOWN", farAway: "-9007199254740993" },
  detail: { rawBytes: "AAEC" },
};

for (const hasReflection of [true, false]) {
  const source = hasReflection ? [] : ["--proto", PROTO];
  const how = hasReflection ? "by reflection" : "by a proto file";

  test(`invoke calls every kind of method ${how}, with imported, nested, 64-bit and byte fields intact`, () =>
    withAtlas(
      async ({ run }) => {
        const unary = await run(["testing.Atlas/Ask", "-d", REQUEST, ...source]);
        assert.deepEqual(JSON.parse(unary.stdout), ANSWER, unary.stderr);
        const many = await run(["AskMany", "-d", '[{"text":"a"},{"text":"b"}]', ...source]);
        assert.deepEqual(JSON.parse(many.stdout), { said: "a+b" }, many.stderr);
        const list = await run(["Atlas.List", "-d", '{"text":"n"}', "--json", ...source]);
        const lines = list.stdout
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line));
        assert.deepEqual(lines.slice(0, 2), [{ message: { said: "n 1" } }, { message: { said: "n 2" } }], list.stderr);
        assert.deepEqual(lines[2].status, { code: 0, name: "OK", message: "" });
      },
      { hasReflection },
    ));
}

test("invoke --json is one document with status, headers, messages and trailers", () =>
  withAtlas(async ({ run }) => {
    const { code, stdout, stderr } = await run(["Ask", "-d", '{"text":"x"}', "-H", "X-Said: hello", "--json"]);
    assert.deepEqual([code, stderr], [0, ""]);
    const { status: end, messages, trailers } = JSON.parse(stdout);
    assert.deepEqual([end.name, messages, trailers["x-heard"]], ["OK", [{ said: "asked x" }], ["hello"]]);
  }));

test("invoke exits 1 with the status where it is not OK", () =>
  withAtlas(async ({ run }) => {
    const told = await run(["Refuse"]);
    assert.deepEqual(told, {
      code: 1,
      stdout: "",
      stderr: "sluice: the call ended with NOT_FOUND (5): no such place: Ødegård\n",
    });
    const { code, stdout } = await run(["Refuse", "--json"]);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(stdout).status, { code: 5, name: "NOT_FOUND", message: "no such place: Ødegård" });
  }));

test("invoke ends with DEADLINE_EXCEEDED where --timeout has passed", () =>
  withAtlas(async ({ run }) => {
    const { code, stdout } = await run(["Ask", "--timeout", "0ms", "--json"]);
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout).status.name, "DEADLINE_EXCEEDED");
  }));

test("invoke explains methods and requests that do not fit", () =>
  withAtlas(async ({ run }) => {
    assert.match((await run(["AskMny"])).stderr, /no method AskMny: did you mean AskMany\?/);
    assert.match((await run(["Nothing"])).stderr, /no method Nothing: it has testing\.Atlas\/Ask, /);
    assert.match(
      (await run(["Ask", "-d", '{"txt":1}'])).stderr,
      /-d: expected JSON of a testing\.Question: .*"txt" is unknown/,
    );
    assert.equal((await run(["Ask", "-H", "nocolon"])).code, 2);
    assert.match(
      (await run(["List", "--proto", PROTO])).stderr,
      /List is a method of several services: say testing\.Atlas\/List or testing\.OtherAtlas\/List/,
    );
    assert.match((await run(["Ask", "--proto", "none.proto"])).stderr, /--proto: cannot read .*none\.proto/);
  }));

test("invoke says what to do about a function without reflection", () =>
  withAtlas(
    async ({ run }) => {
      const { code, stderr } = await run(["Ask"]);
      assert.deepEqual(
        [code, stderr],
        [1, "sluice: the function has no server reflection: name its proto file with --proto FILE\n"],
      );
    },
    { hasReflection: false },
  ));

test("invoke verifies the certificate: another CA ends it with UNAVAILABLE", () =>
  withAtlas(async ({ run, write }) => {
    const other = await makeCertificate(["*.local.fcapp.localhost"]);
    const caFile = await write("other.pem", other.certificate);
    const { code, stderr } = await run(["Ask"], { env: { SLUICE_CA_FILE: caFile } });
    assert.equal(code, 1);
    assert.match(stderr, /ended with UNAVAILABLE \(14\): .*certificate/);
  }));
