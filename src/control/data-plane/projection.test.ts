import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CodePackage,
  type ContainerSetting,
  type CustomDomain,
  type FunctionResource,
  type FunctionSettings,
  LATEST,
  type Service,
  type Trigger,
} from "../../model/model.ts";
import { DataPlaneView, type ViewChange } from "./data-plane-view.ts";
import { domainEntries, type FunctionVersion, functionEntry, revisionOf, triggerRoute } from "./projection.ts";

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
const resource: FunctionSettings & { readonly code: CodePackage } = {
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

function latest(ofService: Service, ofResource: FunctionResource): FunctionVersion {
  return { versionId: LATEST, service: ofService, resource: ofResource };
}

function revision(ofService: Service, ofResource: FunctionResource, under = context) {
  return revisionOf(LATEST, latest(ofService, ofResource), under);
}

function entriesOf(ofResource: FunctionResource, ofTrigger: Trigger) {
  const entry = functionEntry({ qualifier: LATEST, main: latest(service, ofResource), additional: [] }, context);
  return [entry, triggerRoute(ofTrigger)];
}

test("revisionOf: the id stands for what a program could notice, and for nothing else", () => {
  const { id } = revision(service, resource);
  const same: [Service, FunctionResource][] = [
    [{ ...service, description: "new", lastModifiedAt: 9 }, resource],
    [service, { ...resource, description: "new", revisionNumber: 7, lastModifiedAt: 9 }],
    [service, { ...resource, environmentVariables: { A: "1", B: "2" } }],
    [service, { ...resource, instanceSoftConcurrency: 10 }],
  ];
  for (const [otherService, other] of same) assert.equal(revision(otherService, other).id, id);
  const moved = { ...context, codeDirOf: (sha256: string) => `/elsewhere/${sha256}` };
  assert.equal(revision(service, resource, moved).id, id);

  const changes: Partial<typeof resource>[] = [
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
  const ids = changes.map((change) => revision(service, { ...resource, ...change }).id);
  ids.push(revision({ ...service, internetAccess: false }, resource).id, id);
  ids.push(revisionOf("prod", latest(service, resource), context).id);
  ids.push(revisionOf("prod", { ...latest(service, resource), versionId: "1" }, context).id);
  ids.push(revisionOf("prod", { ...latest(service, resource), versionId: "2" }, context).id);
  assert.equal(new Set(ids).size, changes.length + 5);
});

test("revisionOf: hooks and health check stand in it only where they are on, with Function Compute's defaults", () => {
  const { id } = revision(service, resource);
  const off: Partial<typeof resource>[] = [
    { initializationTimeout: 9 },
    { instanceLifecycleConfig: {} },
    { instanceLifecycleConfig: { preFreeze: { handler: "", timeout: 9 }, preStop: { timeout: 9 } } },
    { customHealthCheckConfig: {} },
    { customHealthCheckConfig: { httpGetUrl: "", periodSeconds: 9 } },
  ];
  for (const change of off) {
    const found = revision(service, { ...resource, ...change });
    assert.equal(found.id, id);
    assert.equal("hooks" in found || "healthCheck" in found, false);
  }
  const on: Partial<typeof resource>[] = [
    { initializer: "h" },
    { initializer: "h", initializationTimeout: 9 },
    { instanceLifecycleConfig: { preFreeze: { handler: "h" } } },
    { instanceLifecycleConfig: { preStop: { handler: "h" } } },
    { instanceLifecycleConfig: { preStop: { handler: "h", timeout: 90 } } },
    { customHealthCheckConfig: { httpGetUrl: "/" } },
    { customHealthCheckConfig: { httpGetUrl: "/", initialDelaySeconds: 5 } },
  ];
  const revisions = on.map((change) => revision(service, { ...resource, ...change }));
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

test("revisionOf: customDNS makes another revision where it says anything", () => {
  const { id } = revision(service, resource);
  const empty = revision(service, { ...resource, customDNS: { nameServers: [], dnsOptions: [] } });
  assert.equal(empty.id, id);
  assert.equal("dns" in empty, false);
  const customDNS = { nameServers: ["203.0.113.2"], dnsOptions: [{ name: "ndots", value: "2" }] };
  const found = revision(service, { ...resource, customDNS });
  assert.notEqual(found.id, id);
  assert.deepEqual(found.dns, { nameServers: ["203.0.113.2"], searches: [], options: ["ndots:2"] });
});

test("revisionOf: command and arguments in order; without a command ./bootstrap, with the arguments", () => {
  const commandOf = (command: string[], args: string[]) => {
    const { command: started, hasCommand } = revision(service, {
      ...resource,
      customRuntimeConfig: { command, args },
    });
    return [started, hasCommand];
  };
  assert.deepEqual(commandOf(["node", "a.js"], ["-v"]), [["node", "a.js", "-v"], true]);
  assert.deepEqual(commandOf([], ["-v"]), [["./bootstrap", "-v"], false]);
});

test("revisionOf: an image with its command in place of a package; the reference alone changes no id", () => {
  const { code: _code, ...settings } = { ...resource, runtime: "custom-container" };
  const standard = { accelerationType: "Default", instanceID: "" } as const;
  const container = { image: "greeter:1", imageId: "sha256:a", command: "", args: "", ...standard };
  const found = (change: Partial<ContainerSetting> = {}) =>
    revision(service, { ...settings, customContainerConfig: { ...container, ...change } });
  const { id, codeDir, command, hasCommand, image } = found();
  assert.deepEqual([codeDir, command, hasCommand, image], ["", [], false, { reference: "greeter:1", id: "sha256:a" }]);
  assert.deepEqual(found({ command: '["/server"]', args: '["-v","1"]' }).image, {
    reference: "greeter:1",
    id: "sha256:a",
    command: ["/server"],
    args: ["-v", "1"],
  });
  for (const change of [{ image: "greeter:2" }, { args: "[]" }, { sealedCredentials: "a1.x" }]) {
    assert.equal(found(change).id, id, JSON.stringify(change));
  }
  for (const change of [{ imageId: "sha256:b" }, { command: '["/server"]' }, { args: '["/server"]' }]) {
    assert.notEqual(found(change).id, id, JSON.stringify(change));
  }
});

test("functionEntry and triggerRoute: the function, and its trigger's host with all paths", () => {
  const entries = entriesOf(resource, trigger);
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

test("functionEntry: under an alias it has a key, a qualifier and version ids of its own; shares become weights", () => {
  const version = (versionId: string) => ({ ...latest(service, resource), versionId });
  const split = { qualifier: "prod", main: version("1"), additional: [{ ...version("2"), weight: 0.3 }] };
  const entry = functionEntry(split, context);
  assert.equal(entry.function, "s.prod/f");
  const [other] = entry.additionalRevisions ?? [];
  assert.deepEqual(
    [entry.revision, other?.revision].map((each) => [each?.function, each?.qualifier, each?.versionId]),
    [
      ["s.prod/f", "prod", "1"],
      ["s.prod/f", "prod", "2"],
    ],
  );
  assert.equal(other?.weight, 0.3);
  assert.equal(triggerRoute({ ...trigger, qualifier: "prod" }).function, "s.prod/f");
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
  const entries = domainEntries(domain, ({ functionName }) => (functionName === "f" ? trigger : undefined));
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
  const entries = entriesOf(resource, trigger);
  const first = change();
  view.replace("a", entries, first);
  assert.deepEqual(first, { put: entries, delete: [] });
  const second = change();
  view.replace("a", entriesOf({ ...resource, timeout: 9 }, { ...trigger }), second);
  assert.deepEqual(
    second.put.map((entry) => entry.kind),
    ["function"],
  );
  const third = change();
  view.replace("a", [], third);
  assert.deepEqual(third, { put: [], delete: ["function/s/f", `route/${trigger.host}/*`] });
  assert.deepEqual(view.entries(), []);
});
