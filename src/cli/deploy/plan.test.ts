import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readTemplate } from "../s-yaml/template.ts";
import { functionDocument, serviceDocument, triggerDocument } from "./documents.ts";
import { planService, planTemplate } from "./plan.ts";

const SEED = join(import.meta.dirname, "..", "s-yaml", "testing", "seed.s.yaml");

/** An s.yaml whose line 10 begins the keys of the function. */
function templateText(functionLines: readonly string[], rest: readonly string[] = []): string {
  return [
    "edition: 1.0.0",
    "name: app",
    "services:",
    "  one:",
    "    component: fc",
    "    props:",
    "      region: here",
    "      service: {name: demo}",
    "      function:",
    ...functionLines.map((line) => `        ${line}`),
    ...rest.map((line) => `      ${line}`),
  ].join("\n");
}

function planOf(t: TestContext, text: string, serviceId?: string) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-plan-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "s.yaml"), text);
  const notes: string[] = [];
  const template = readTemplate(undefined, folder, {});
  const options = { serviceId, config: {}, note: (line: string) => notes.push(line) };
  return { plans: planTemplate(template, options), notes, template, options };
}

const MINIMAL = ["name: f", "runtime: custom"];

test("planTemplate reads every value of the guide's s.yaml", () => {
  const notes: string[] = [];
  const template = readTemplate(SEED, import.meta.dirname, {});
  const [plan] = planTemplate(template, { config: {}, note: (line) => notes.push(line) });
  assert.ok(plan);
  assert.equal(plan.region, "ap-south-1");
  assert.deepEqual(serviceDocument(plan), {
    serviceName: "grpc-demo",
    description: "hello world by serverless devs",
    internetAccess: true,
  });
  assert.deepEqual(functionDocument(plan), {
    functionName: "golang-grpc",
    description: "hello world by serverless devs",
    runtime: "custom",
    handler: "index.handler",
    memorySize: 512,
    diskSize: 512,
    timeout: 30,
    initializer: "",
    initializationTimeout: 3,
    instanceLifecycleConfig: { preFreeze: { handler: "", timeout: 3 }, preStop: { handler: "", timeout: 3 } },
    customHealthCheckConfig: {
      httpGetUrl: "",
      initialDelaySeconds: 0,
      periodSeconds: 3,
      timeoutSeconds: 1,
      failureThreshold: 3,
      successThreshold: 1,
    },
    caPort: 8089,
    instanceConcurrency: 3,
    instanceSoftConcurrency: 3,
    environmentVariables: {},
    customDNS: { nameServers: [], searches: [], dnsOptions: [] },
    customRuntimeConfig: { command: [], args: [] },
  });
  assert.equal(plan.function.codeUri, "./code");
  assert.deepEqual(plan.triggers.map(triggerDocument), [
    {
      triggerName: "http2Trigger",
      triggerType: "http",
      description: "",
      qualifier: "LATEST",
      triggerConfig: '{"authType":"anonymous","methods":["GET","POST"],"disableURLInternet":false}',
    },
  ]);
  assert.deepEqual(
    plan.preDeploy.map((action) => action.props.run),
    ["make build"],
  );
  assert.equal(notes.length, 1, "access alone is told of");
  assert.match(notes[0] ?? "", /access: not needed/);
});

test("planTemplate reads the guide's commented parts: domains, hooks, log settings", (t) => {
  const { plans, notes } = planOf(
    t,
    [
      "edition: 1.0.0",
      "services:",
      "  helloworld:",
      "    component: fc",
      "    actions:",
      "      pre-deploy:",
      "        - component: fc build --use-docker --dockerfile ./code/Dockerfile",
      "        - plugin: myplugin",
      "          args: {testKey: testValue}",
      "      post-deploy:",
      "        - component: fc versions publish",
      "    props:",
      "      service:",
      "        name: grpc-demo",
      "        logConfig: {project: mypro-dev, logstore: function-log}",
      "      function: {name: golang-grpc, runtime: custom}",
      "      customDomains:",
      "        - domainName: auto",
      "          protocol: HTTP,HTTPS",
      "          routeConfigs:",
      "            - path: /*",
      "              serviceName: grpc-demo",
      "              functionName: golang-grpc",
      "          certConfig: {certName: certtest, certificate: ./certificate, privateKey: ./privatekey}",
    ].join("\n"),
  );
  assert.deepEqual(plans[0]?.customDomains[0]?.props.domainName, "auto");
  assert.equal(plans[0]?.preDeploy.length, 2);
  assert.deepEqual(notes, [
    "s.yaml:15: services.helloworld.props.service.logConfig: accepted, but Sluice does not honour it yet",
  ]);
});

test("planTemplate names the line and the key of a mistyped key", (t) => {
  assert.throws(
    () => planOf(t, templateText([...MINIMAL, "instanceConcurency: 3"])),
    /^YamlError: s\.yaml:12: services\.one\.props\.function\.instanceConcurency: expected instanceConcurrency, got instanceConcurency$/,
  );
});

test("planTemplate ignores an unknown key with one line", (t) => {
  const { notes } = planOf(t, templateText([...MINIMAL, "zebra: 1"]));
  assert.deepEqual(notes, ["s.yaml:12: services.one.props.function.zebra: unknown to Sluice, ignored"]);
});

for (const [line, complaint] of [
  ["timeout: 0", "timeout: expected a whole number from 1 to 86400, got 0"],
  ["timeout: soon", 'timeout: expected a whole number from 1 to 86400, got "soon"'],
  ["timeout: 1.5", "timeout: expected a whole number from 1 to 86400, got 1.5"],
  ["caPort: 65536", "caPort: expected a whole number from 1 to 65535, got 65536"],
  ["memorySize: 100", "memorySize: expected a number from 128 to 32768 in steps of 64, got 100"],
  ["instanceConcurrency: 201", "instanceConcurrency: expected a whole number from 1 to 200, got 201"],
  ["instanceSoftConcurrency: 2", "instanceSoftConcurrency: expected at most instanceConcurrency (1), got 2"],
  ["diskSize: 1024", "diskSize: expected one of 512, 10240, got 1024"],
  ["cpu: 4", "cpu: expected 1 to 4 GB of memorySize for each CPU, got cpu 4 with memorySize 512 MB"],
  ["environmentVariables: {FC_X: a}", "environmentVariables: expected names of letters, .* got FC_X"],
  [
    `environmentVariables: {A: ${"x".repeat(4096)}}`,
    "environmentVariables: expected at most 4096 bytes in all, got 4097",
  ],
  ["environmentVariables: [A]", "environmentVariables: expected a mapping of names to texts, got a list"],
  [
    "instanceLifecycleConfig: {preStop: {handler: x, timeout: 91}}",
    "instanceLifecycleConfig.preStop.timeout: expected a whole number from 1 to 90, got 91",
  ],
  ["initializationTimeout: 301", "initializationTimeout: expected a whole number from 1 to 300, got 301"],
  [
    "customHealthCheckConfig: {httpGetUrl: ready}",
    'customHealthCheckConfig.httpGetUrl: expected a path of at most 2048 characters that begins with /, got "ready"',
  ],
  [
    "customHealthCheckConfig: {timeoutSeconds: 4}",
    "customHealthCheckConfig.timeoutSeconds: expected a whole number from 1 to 3, got 4",
  ],
  [
    "customDNS: {nameServers: [dns.example]}",
    'customDNS.nameServers\\[0\\]: expected an IP address, got "dns.example"',
  ],
  ["customDNS: {searches: ['a b']}", 'customDNS.searches\\[0\\]: expected a domain name, got "a b"'],
  ["customRuntimeConfig: {command: ./main}", 'customRuntimeConfig.command: expected a list, got "./main"'],
] as const) {
  test(`planTemplate refuses ${line.slice(0, 40)} at its line`, (t) => {
    assert.throws(
      () => planOf(t, templateText([...MINIMAL, line])),
      (error: Error) => {
        assert.match(error.message, /^s\.yaml:12: services\.one\.props\.function\./);
        assert.match(error.message, new RegExp(complaint.replace(/[()]/g, "\\$&")));
        return true;
      },
    );
  });
}

test("planTemplate refuses other runtimes and names without which nothing goes", (t) => {
  assert.throws(
    () => planOf(t, templateText(["name: f", "runtime: nodejs16"])),
    /s\.yaml:11: .*runtime: expected one of custom, .*, got "nodejs16"/,
  );
  assert.throws(
    () => planOf(t, templateText(["runtime: custom"])),
    /s\.yaml:9: .*function\.name: expected a value, got nothing/,
  );
  assert.throws(
    () => planOf(t, templateText(["name: 1f", "runtime: custom"])),
    /s\.yaml:10: .*function\.name: expected a name of 1 to 64/,
  );
});

test("planTemplate takes numbers that variables give as text", (t) => {
  const { plans } = planOf(t, templateText([...MINIMAL, "timeout: '90'", "environmentVariables: {N: 5, B: true}"]));
  assert.equal(plans[0]?.function.timeout, 90);
  assert.deepEqual(plans[0]?.function.environmentVariables, { N: "5", B: "true" });
});

test("planTemplate reads hooks and the health check, and what is left out is switched off", (t) => {
  const { plans, notes } = planOf(
    t,
    templateText([
      ...MINIMAL,
      "initializer: main.init",
      "initializationTimeout: 20",
      "instanceLifecycleConfig: {preFreeze: {handler: x, timeout: 30}}",
      "customHealthCheckConfig: {httpGetUrl: /ready?x=1, periodSeconds: 10}",
    ]),
  );
  assert.ok(plans[0]);
  const document = functionDocument(plans[0]);
  assert.deepEqual([document.initializer, document.initializationTimeout], ["main.init", 20]);
  assert.deepEqual(document.instanceLifecycleConfig, {
    preFreeze: { handler: "x", timeout: 30 },
    preStop: { handler: "", timeout: 3 },
  });
  assert.deepEqual(document.customHealthCheckConfig, {
    httpGetUrl: "/ready?x=1",
    initialDelaySeconds: 0,
    periodSeconds: 10,
    timeoutSeconds: 1,
    failureThreshold: 3,
    successThreshold: 1,
  });
  assert.deepEqual(notes, []);
});

test("planTemplate reads customDNS, also with the empty values of a template", (t) => {
  const read = (line: string) => {
    const { plans, notes } = planOf(t, templateText([...MINIMAL, line]));
    assert.deepEqual(notes, []);
    return functionDocument(plans[0]!).customDNS;
  };
  assert.deepEqual(
    read("customDNS: {nameServers: [203.0.113.2], searches: [a.example], dnsOptions: [{name: ndots, value: 2}]}"),
    { nameServers: ["203.0.113.2"], searches: ["a.example"], dnsOptions: [{ name: "ndots", value: "2" }] },
  );
  assert.deepEqual(read("customDNS: {nameServers: null, searches: null, dnsOptions: null}"), {
    nameServers: [],
    searches: [],
    dnsOptions: [],
  });
});

test("planTemplate tells of triggers that it passes over and of methods without POST", (t) => {
  const { plans, notes } = planOf(
    t,
    templateText(MINIMAL, [
      "triggers:",
      "  - {name: clock, type: timer, config: {cron: x}}",
      "  - {name: web, type: http, config: {authType: anonymous, methods: [GET]}}",
    ]),
  );
  assert.deepEqual(
    plans[0]?.triggers.map((trigger) => trigger.name),
    ["web"],
  );
  assert.match(notes[0] ?? "", /s\.yaml:13: .*triggers\[0\]: triggers of type timer are not deployed/);
  assert.match(notes[1] ?? "", /s\.yaml:14: .*config\.methods: gRPC calls need POST/);
});

test("planTemplate refuses components that it cannot stand in for", (t) => {
  const text = templateText(MINIMAL).replace("component: fc", "component: fc3");
  assert.throws(() => planOf(t, text), /s\.yaml:5: services\.one\.component: expected fc, .*, got "fc3"/);
});

test("planTemplate refuses the same function twice", (t) => {
  const twice = `${templateText(MINIMAL)}\n${templateText(MINIMAL).split("\n").slice(3).join("\n").replace("one:", "two:")}`;
  assert.throws(
    () => planOf(t, twice),
    /services\.two\.props: expected a function of its own, but one has demo\/f too/,
  );
});

test("planTemplate takes one service by its key and suggests for a mistyped one", (t) => {
  const text = templateText(MINIMAL);
  assert.equal(planOf(t, text, "one").plans.length, 1);
  assert.throws(() => planOf(t, text, "on"), /has no service "on": did you mean one\?/);
});

test("planTemplate takes one http trigger for each qualifier", (t) => {
  const trigger = (name: string, more = "") => `  - {name: ${name}, type: http${more}, config: {authType: anonymous}}`;
  assert.throws(
    () => planOf(t, templateText(MINIMAL, ["triggers:", trigger("a"), trigger("b")])),
    /props\.triggers: expected at most one http trigger for LATEST, got a, b/,
  );
  assert.throws(
    () => planOf(t, templateText(MINIMAL, ["triggers:", trigger("a", ", qualifier: a.b")])),
    /triggers\[0\]\.qualifier: expected LATEST, the id of a version \(as text\), or the name of an alias, got "a\.b"/,
  );
  const three = [trigger("a"), trigger("b", ", qualifier: prod"), trigger("c", ", qualifier: '1'")];
  const { plans } = planOf(t, templateText(MINIMAL, ["triggers:", ...three]));
  assert.deepEqual(
    plans[0]?.triggers.map((each) => triggerDocument(each).qualifier),
    ["LATEST", "prod", "1"],
  );
});

test("planService puts in outputs of services that are deployed by then", (t) => {
  const two = [
    "  two:",
    "    component: fc",
    "    props:",
    "      service: {name: demo}",
    `      function: {name: g, runtime: custom, environmentVariables: {PEER: '\${one.output.url.system_url}'}}`,
  ];
  const { plans, template, options } = planOf(t, `${templateText(MINIMAL)}\n${two.join("\n")}`);
  assert.equal(plans[1]?.function.environmentVariables?.["PEER"], `\${one.output.url.system_url}`);
  const plan = planService(template, "two", new Map([["one", { url: { system_url: "https://h:1" } }]]), options);
  assert.equal(plan.function.environmentVariables?.["PEER"], "https://h:1");
  assert.throws(
    () => planOf(t, `${templateText(MINIMAL)}\n${two.join("\n")}`, "two"),
    /expected the output of one, which is not part/,
  );
});
