import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, type FunctionKey, functionKey, type RouteEntry } from "../model/model.ts";
import { RouteTable, refusalOf } from "./routes.ts";

function route(host: string, path: string, target: FunctionKey, more: Partial<RouteEntry> = {}): RouteEntry {
  return {
    kind: "route",
    host,
    path,
    function: target,
    methods: ["GET", "POST"],
    authType: "anonymous",
    internetUrlDisabled: false,
    origin: "trigger",
    ...more,
  };
}

const A = functionKey("s", "a");
const B = functionKey("s", "b");
const DEMO = functionKey("greeter", "node-greeter");

function target(found: RouteEntry | Fault): FunctionKey {
  assert.ok("kind" in found, JSON.stringify(found));
  return found.function;
}

function message(found: RouteEntry | Fault): string {
  assert.ok("errorType" in found, JSON.stringify(found));
  assert.equal(found.grpcStatus, 12);
  return found.message;
}

test("RouteTable matches hosts without regard to case, port and final dot", () => {
  const table = new RouteTable(undefined);
  table.put(route("a.example", "/*", A));
  for (const authority of ["a.example", "A.Example:8089", "a.example.", "a.example.:443"]) {
    assert.equal(target(table.find(authority, "/p.S/M")), A);
  }
  assert.match(message(table.find("b.example:8089", "/p.S/M")), /host b\.example:8089 \(path \/p\.S\/M\)/);
});

test("RouteTable prefers the exact path, then the longest prefix, and names a path without route", () => {
  const table = new RouteTable(undefined);
  const C = functionKey("s", "c");
  table.put(route("d.example", "/p.S/*", A, { origin: "customDomain" }));
  table.put(route("d.example", "/p.S/M", B, { origin: "customDomain" }));
  table.put(route("d.example", "/p.S/Deep/*", C, { origin: "customDomain" }));
  assert.equal(target(table.find("d.example", "/p.S/M")), B);
  assert.equal(target(table.find("d.example", "/p.S/N")), A);
  assert.equal(target(table.find("d.example", "/p.S/Deep/X")), C);
  assert.match(message(table.find("d.example", "/q.S/M")), /path \/q\.S\/M of host d\.example/);
});

test("RouteTable tells Function Compute's old addresses, which serve no gRPC, and where to call instead", () => {
  const table = new RouteTable(undefined);
  table.put(route("a.example", "/*", A));
  table.put(route("d.example", "/2016-08-15/proxy/s/a/*", B, { origin: "customDomain" }));
  const hint =
    /serve no gRPC, here as in Function Compute: call \/package\.Service\/Method at the host of the function's http trigger/;
  for (const [authority, path] of [
    ["a.example", "/2016-08-15/proxy/s/a/p.S/M"],
    ["127.0.0.1:8089", "/2016-08-15/proxy/s.prod/a/"],
    ["1234567890.cn-hangzhou.fc.aliyuncs.com:8089", "/p.S/M"],
    ["1234567890.cn-hangzhou-internal.FC.aliyuncs.com", "/2016-08-15/proxy/s/a/p.S/M"],
    ["1234567890.local.fc.fcapp.localhost", "/p.S/M"],
  ] as const) {
    const text = message(table.find(authority, path));
    assert.match(text, hint);
    assert.ok(text.startsWith(`no route for host ${authority} (path ${path}): `), text);
  }
  assert.equal(target(table.find("127.0.0.1:8089", "/p.S/M")), A);
  assert.equal(target(table.find("d.example", "/2016-08-15/proxy/s/a/p.S/M")), B, "a route that was asked for");
});

test("RouteTable finds wildcard domains of one label", () => {
  const table = new RouteTable(undefined);
  table.put(route("*.d.example", "/*", A, { origin: "customDomain" }));
  assert.equal(target(table.find("x.d.example", "/p.S/M")), A);
  assert.match(message(table.find("d.example", "/p.S/M")), /no route/);
});

test("RouteTable counts a function once, whatever qualifiers lead to it, and takes LATEST's trigger", () => {
  const table = new RouteTable(DEMO);
  const prod = functionKey("s", "a", "prod");
  table.put(route("p.example", "/*", prod));
  assert.equal(target(table.find("127.0.0.1:8089", "/p.S/M")), prod);
  table.put(route("a.example", "/*", A));
  assert.equal(target(table.find("127.0.0.1:8089", "/p.S/M")), A);
  table.put(route("b.example", "/*", functionKey("s", "b", "prod")));
  const listed = message(table.find("127.0.0.1:8089", "/p.S/M"));
  assert.match(listed, /s\.prod\/a at p\.example, s\/a at a\.example, s\.prod\/b at b\.example$/);
});

test("RouteTable sends a loopback or IP authority to the only function, the demo not counted", () => {
  const table = new RouteTable(DEMO);
  assert.match(message(table.find("127.0.0.1:8089", "/p.S/M")), /no function with an http trigger is deployed/);
  table.put(route("demo.example", "/*", DEMO));
  assert.equal(target(table.find("localhost:8089", "/p.S/M")), DEMO);
  table.put(route("a.example", "/*", A));
  for (const authority of ["localhost:8089", "127.0.0.1", "[::1]:8089", "192.0.2.1:1"]) {
    assert.equal(target(table.find(authority, "/p.S/M")), A);
  }
  table.put(route("b.example", "/*", B));
  const words = message(table.find("127.0.0.1:8089", "/p.S/M"));
  assert.match(words, /s\/a at a\.example, s\/b at b\.example/);
  table.delete("b.example", "/*");
  assert.equal(target(table.find("127.0.0.1:8089", "/p.S/M")), A);
  assert.equal(table.count, 2);
});

test("RouteTable forgets what it remembered when routes change", () => {
  const table = new RouteTable(undefined);
  table.put(route("a.example", "/*", A));
  assert.equal(target(table.find("a.example", "/p.S/M")), A);
  table.put(route("a.example", "/*", B));
  assert.equal(target(table.find("a.example", "/p.S/M")), B);
  assert.equal(table.count, 1);
  table.delete("a.example", "/*");
  assert.match(message(table.find("a.example", "/p.S/M")), /no route/);
});

test("refusalOf() refuses triggers that do not let a gRPC call in, each with its own status", () => {
  assert.equal(refusalOf(route("h", "/*", A)), undefined);
  const refused = (more: Partial<RouteEntry>) => {
    const refusal = refusalOf(route("h", "/*", A, more)) as Fault;
    return [refusal.errorType, refusal.grpcStatus];
  };
  assert.deepEqual(refused({ methods: ["GET"] }), ["MethodNotAllowed", 12]);
  assert.deepEqual(refused({ internetUrlDisabled: true }), ["AccessDenied", 7]);
  assert.equal(refusalOf(route("h", "/*", A, { internetUrlDisabled: true, origin: "customDomain" })), undefined);
});
