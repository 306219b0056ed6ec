import assert from "node:assert/strict";
import { test } from "node:test";
import { InvokedQualifiers } from "./invoked-qualifiers.ts";

const name = (functionName: string, qualifier = "prod") => ({ serviceName: "s", functionName, qualifier });

test("a function is served once for each qualifier, again after a failure, and found by both", async () => {
  const invoked = new InvokedQualifiers();
  let served = 0;
  const serve = async () => {
    served += 1;
    if (served === 1) throw new Error("no");
  };
  await assert.rejects(invoked.serve(name("f"), serve), /no/);
  await Promise.all([invoked.serve(name("f"), serve), invoked.serve(name("f"), serve)]);
  await invoked.serve(name("f", "1"), serve);
  await invoked.serve(name("g"), serve);
  assert.equal(served, 4);
  assert.deepEqual(invoked.of("s", "f"), ["prod", "1"]);
  assert.deepEqual(invoked.functionsUnder("s", "prod"), ["f", "g"]);
  assert.deepEqual(invoked.functionsUnder("other", "prod"), []);
});

test("at most 1,000 are kept: the longest unused goes, and is served anew", async () => {
  const invoked = new InvokedQualifiers();
  const served: string[] = [];
  const serve = (functionName: string) => invoked.serve(name(functionName), async () => void served.push(functionName));
  for (let index = 0; index < 1000; index += 1) await serve(`f${index}`);
  await serve("f0");
  await serve("one-more");
  assert.deepEqual(invoked.of("s", "f1"), []);
  assert.deepEqual(invoked.of("s", "f0"), ["prod"]);
  assert.equal(invoked.functionsUnder("s", "prod").length, 1000);
  await serve("f1");
  assert.equal(served.filter((each) => each === "f1").length, 2);
});
