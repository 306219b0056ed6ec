import assert from "node:assert/strict";
import { test } from "node:test";
import { type CustomDomain, type FunctionResource, functionKey, type Service, type Trigger } from "../model/model.ts";
import { DataPlaneView, type ViewChange } from "./data-plane-view.ts";
import { domainEntries, functionEntries, revisionOf } from "./projection.ts";

const context = { accountId: "1", codeDirOf: (sha256: string) => `/data/code/${sha256}` };
const stamps = { createdAt: 1, lastModifiedAt: 2 };
const service: Service = {
  serviceName: "s",
  serviceId: "i",
  description: "",
  internetAccess: true,
  role: "",
  ...stamps,
};
const resource: FunctionResource = {
  serviceName: "s",
  functionName: "f",
  functionId: "i",
  description: "",
  runtime: "custom",
  handler: "h",
  code: { sha256: "abc", checksum: "1", sizeBytes: 1, hasBootstrap: true },
  memorySize: 512,
  diskSize: 512,
  timeout: 60,
  initializer: "",
  initializationTimeout: 3,
  caPort: 9000,
  instanceConcurrency: 10,
  instanceType: "e1",
  environmentVariables: { B: "2", A: "1" },
  layers: [],
  revisionNumber: 1,
  ...stamps,
};
const trigger: Trigger = {
  serviceName: "s",
  functionName: "f",
  triggerName: "t",
  triggerId: "i",
  triggerType: "http",
  description: "",
  qualifier: "LATEST",
  authType: "anonymous",
  methods: ["GET", "POST"],
  disableURLInternet: true,
  sourceArn: "",
  invocationRole: "",
  host: "f-s-abc.local.fcapp.localhost",
  ...stamps,
};

test("revisionOf: the id stands for what a program could notice, and for nothing else", () => {
  const { id } = revisionOf(service, resource, context);
  const same: [Service, FunctionResource][] = [
    [{ ...service, description: "new", lastModifiedAt: 9 }, resource],
    [service, { ...resource, description: "new", revisionNumber: 7, lastModifiedAt: 9 }],
    [service, { ...resource, environmentVariables: { A: "1", B: "2" } }],
    [service, { ...resource, instanceSoftConcurrency: 10 }],
  ];
  for (const [otherService, other] of same) assert.equal(revisionOf(otherService, other, context).id, id);
  const moved = { ...context, codeDirOf: (sha256: string) => `/elsewhere/${sha256}` };
  assert.equal(revisionOf(service, resource, moved).id, id);

  const changes: Partial<FunctionResource>[] = [
    { code: { ...resource.code, sha256: "def" } },
    { memorySize: 1024 },
    { timeout: 61 },
    { caPort: 9001 },
    { cpu: 1 },
    { instanceConcurrency: 11 },
    { instanceSoftConcurrency: 5 },
    { environmentVariables: { A: "1" } },
    { customRuntimeConfig: { command: ["./bootstrap"], args: [] } },
    { functionName: "g" },
  ];
  const ids = changes.map((change) => revisionOf(service, { ...resource, ...change }, context).id);
  ids.push(revisionOf({ ...service, internetAccess: false }, resource, context).id, id);
  assert.equal(new Set(ids).size, changes.length + 2);
});

test("revisionOf: hooks and health check stand in it only where they are on, with Function Compute's defaults", () => {
  const { id } = revisionOf(service, resource, context);
  const off: Partial<FunctionResource>[] = [
    { initializationTimeout: 9 },
    { instanceLifecycleConfig: {} },
    { instanceLifecycleConfig: { preFreeze: { handler: "", timeout: 9 }, preStop: { timeout: 9 } } },
    { customHealthCheckConfig: {} },
    { customHealthCheckConfig: { httpGetUrl: "", periodSeconds: 9 } },
  ];
  for (const change of off) {
    const revision = revisionOf(service, { ...resource, ...change }, context);
    assert.equal(revision.id, id);
    assert.equal("hooks" in revision || "healthCheck" in revision, false);
  }
  const on: Partial<FunctionResource>[] = [
    { initializer: "h" },
    { initializer: "h", initializationTimeout: 9 },
    { instanceLifecycleConfig: { preFreeze: { handler: "h" } } },
    { instanceLifecycleConfig: { preStop: { handler: "h" } } },
    { instanceLifecycleConfig: { preStop: { handler: "h", timeout: 90 } } },
    { customHealthCheckConfig: { httpGetUrl: "/" } },
    { customHealthCheckConfig: { httpGetUrl: "/", initialDelaySeconds: 5 } },
  ];
  const revisions = on.map((change) => revisionOf(service, { ...resource, ...change }, context));
  assert.equal(new Set([id, ...revisions.map((each) => each.id)]).size, on.length + 1);
  assert.deepEqual(
    revisions.map((each) => each.hooks ?? each.healthCheck),
    [
      { initialize: { timeoutMs: 3000 } },
      { initialize: { timeoutMs: 9000 } },
      { preFreeze: { timeoutMs: 3000 } },
      { preStop: { timeoutMs: 3000 } },
      { preStop: { timeoutMs: 90_000 } },
      check({}),
      check({ initialDelayMs: 5000 }),
    ],
  );

  function check(change: object) {
    const defaults = { path: "/", initialDelayMs: 0, periodMs: 3000, timeoutMs: 1000, failureThreshold: 3 };
    return { ...defaults, successThreshold: 1, ...change };
  }
});

test("revisionOf: command and arguments in order; without a command ./bootstrap, with the arguments", () => {
  const commandOf = (command: string[], args: string[]) => {
    const revision = revisionOf(service, { ...resource, customRuntimeConfig: { command, args } }, context);
    return [revision.command, revision.hasCommand];
  };
  assert.deepEqual(commandOf(["node", "a.js"], ["-v"]), [["node", "a.js", "-v"], true]);
  assert.deepEqual(commandOf([], ["-v"]), [["./bootstrap", "-v"], false]);
});

test("functionEntries: the function, and its trigger's host with all paths", () => {
  const entries = functionEntries(service, resource, [trigger], context);
  assert.deepEqual(
    entries.map((entry) => entry.kind),
    ["function", "route"],
  );
  assert.deepEqual(entries[1], {
    kind: "route",
    host: trigger.host,
    path: "/*",
    function: "s/f",
    methods: ["GET", "POST"],
    authType: "anonymous",
    internetUrlDisabled: true,
    origin: "trigger",
  });
});

test("domainEntries: methods are those that both route and trigger allow; routes without trigger are left out", () => {
  const route = { path: "/*", serviceName: "s", functionName: "f", qualifier: "LATEST" };
  const domain: CustomDomain = {
    domainName: "A.example.com",
    protocol: "HTTPS",
    routes: [route, { ...route, path: "/a", methods: ["POST", "PUT"] }, { ...route, path: "/b", functionName: "g" }],
    certificate: { certName: "c", certificate: "C", privateKey: "K" },
    ...stamps,
  };
  const entries = domainEntries(domain, (key) => (key === functionKey("s", "f") ? trigger : undefined));
  const short = entries.map((entry) =>
    entry.kind === "route" ? [entry.host, entry.path, entry.methods, entry.internetUrlDisabled] : entry,
  );
  assert.deepEqual(short, [
    { kind: "certificate", host: "a.example.com", certificatePem: "C", privateKeyPem: "K" },
    ["a.example.com", "/*", ["GET", "POST"], false],
    ["a.example.com", "/a", ["POST"], false],
  ]);
});

test("DataPlaneView.replace: notes what is new, different or gone, and nothing else", () => {
  const view = new DataPlaneView();
  const change = (): ViewChange => ({ put: [], delete: [] });
  const entries = functionEntries(service, resource, [trigger], context);
  const first = change();
  view.replace("a", entries, first);
  assert.deepEqual(first, { put: entries, delete: [] });
  const second = change();
  view.replace("a", functionEntries(service, { ...resource, timeout: 9 }, [{ ...trigger }], context), second);
  assert.deepEqual(
    second.put.map((entry) => entry.kind),
    ["function"],
  );
  const third = change();
  view.replace("a", [], third);
  assert.deepEqual(third, { put: [], delete: ["function/s/f", `route/${trigger.host}/*`] });
  assert.deepEqual(view.entries(), []);
});
