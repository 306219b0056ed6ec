/** Memory of many routes in the gateway's table, in a process of its own (with --expose-gc): prints KB for each. */

import { RouteTable } from "../../src/gateway/routes.ts";
import type { FunctionKey, RouteEntry } from "../../src/model/model.ts";
import { residentKb } from "./crowd.ts";
import { finishLoad, workOf } from "./load-process.ts";

const { routes } = workOf<{ readonly routes: number }>();

/** As it comes from the control plane: a copy of its own, by structured clone. */
function entry(index: number): RouteEntry {
  return structuredClone({
    kind: "route",
    host: `function-${index}-service-${index % 100}-abcdefghij.local.fcapp.localhost`,
    path: "/*",
    function: `service-${index % 100}/function-${index}` as FunctionKey,
    methods: ["GET", "POST"],
    authType: "anonymous",
    internetUrlDisabled: false,
    origin: "trigger",
  } satisfies RouteEntry);
}

function settledKb(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("This needs --expose-gc");
  gc();
  gc();
  return process.memoryUsage().heapUsed / 1024;
}

const table = new RouteTable(undefined);
// Code and shapes are there before anything is counted.
for (let index = 0; index < 1000; index++) table.put(entry(index));
const before = { heap: settledKb(), resident: residentKb(process.pid) };
for (let index = 1000; index < 1000 + routes; index++) table.put(entry(index));
const heapKb = (settledKb() - before.heap) / routes;
const residentKbEach = (residentKb(process.pid) - before.resident) / routes;
const host = entry(1000 + routes - 1).host;
if (!("kind" in table.find(host, "/test.Echo/Unary"))) throw new Error("The last route is not found");
finishLoad({ heapKb, residentKb: residentKbEach });
