import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionInfo } from "../client/client.ts";
import { functionsMeant, nameOf } from "./functions-meant.ts";

const INFOS = [
  ["demo", "f", "LATEST"],
  ["demo", "f", "prod"],
  ["demo", "g", "LATEST"],
  ["other", "f", "LATEST"],
].map(([serviceName, functionName, qualifier]) => ({ serviceName, functionName, qualifier }) as FunctionInfo);

test("an argument means a service, a function under every qualifier, or one qualifier of it", () => {
  const meant = (name?: string) => functionsMeant(INFOS, name).map(nameOf);
  assert.deepEqual(meant(), ["demo/f", "demo.prod/f", "demo/g", "other/f"]);
  assert.deepEqual(meant("demo"), ["demo/f", "demo.prod/f", "demo/g"]);
  assert.deepEqual(meant("demo/f"), ["demo/f", "demo.prod/f"]);
  assert.deepEqual(meant("demo.prod/f"), ["demo.prod/f"]);
  assert.throws(() => meant("demo/h"), /there is no function demo\/h: demo\/f, demo\.prod\/f, demo\/g, other\/f/);
  assert.throws(() => functionsMeant([], "demo"), /there is no function demo: none is deployed/);
});
