/** InvokeFunction through the official SDK: events for a real program that serves POST /invoke over HTTP/2. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RuntimeOptions } from "@alicloud/tea-util";
import { zipOf } from "../../src/control/testing/samples.ts";
import { fc, sdkOf } from "../support/sdk.ts";
import { Sluice } from "../support/sluice.ts";

/** What it does is in the event: a word, or anything else to be echoed. */
const PROGRAM = `#!${process.execPath}
const server = require("node:http2").createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const event = Buffer.concat(chunks);
  const word = event.toString();
  console.log("event of " + event.length + " bytes at " + request.url + " as " + request.headers["x-fc-control-path"]);
  if (word === "exit") process.exit(3);
  if (word === "hang") return;
  if (word === "fail") response.statusCode = 404;
  if (word === "who") {
    const { "x-fc-request-id": requestId, "x-fc-qualifier": qualifier } = request.headers;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ requestId, qualifier, method: request.method, revision: process.env.REVISION }));
    return;
  }
  response.end(event);
});
server.listen(Number(process.env.FC_CUSTOM_LISTEN_PORT), "0.0.0.0");
`;

test("events reach a program, under LATEST and an alias; its failures, its log and its bill are told", async () => {
  await using sluice = await Sluice.start();
  const sdk = await sdkOf(sluice);
  await sdk.createService(new fc.CreateServiceRequest({ serviceName: "events" }));
  const code = new fc.Code({ zipFile: zipOf(PROGRAM) });
  const settings = { functionName: "f", runtime: "custom.debian12", code, timeout: 1, caPort: 8089 };
  const environmentVariables = { REVISION: "one" };
  await sdk.createFunction("events", new fc.CreateFunctionRequest({ ...settings, environmentVariables }));
  const invoke = (event: string, headers: object = {}, qualifier = "LATEST", functionName = "f") =>
    sdk.invokeFunctionWithOptions(
      "events",
      functionName,
      new fc.InvokeFunctionRequest({ body: Buffer.from(event), qualifier }),
      new fc.InvokeFunctionHeaders(headers),
      new RuntimeOptions({ readTimeout: 30_000 }) as never,
    );
  const text = (answer: { body: Uint8Array }) => Buffer.from(answer.body).toString();

  const echoed = await invoke('{"a":1}', { xFcLogType: "Tail" });
  assert.equal(text(echoed), '{"a":1}');
  assert.equal(echoed.headers["x-fc-error-type"], undefined);
  const log = Buffer.from(echoed.headers["x-fc-log-result"] ?? "", "base64").toString();
  assert.equal(log, "event of 7 bytes at /invoke as /invoke\n");

  await sdk.publishServiceVersion("events", new fc.PublishServiceVersionRequest({}));
  await sdk.createAlias("events", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
  const changed = { environmentVariables: { REVISION: "two" } };
  await sdk.updateFunction("events", "f", new fc.UpdateFunctionRequest(changed));
  const who = await invoke("who", {}, "prod");
  const seen = JSON.parse(text(who)) as Record<string, string>;
  const requestId = who.headers["x-fc-request-id"] ?? "";
  assert.deepEqual(seen, { requestId, qualifier: "prod", method: "POST", revision: "one" });
  assert.equal(who.headers["x-fc-invocation-service-version"], "1");
  assert.equal(who.headers["content-type"], "application/json");

  const failed = await invoke("fail");
  assert.equal(failed.headers["x-fc-error-type"], "HandledInvocationError");
  assert.equal(text(failed), "fail");
  for (const [event, message] of [
    ["hang", /^Function time out after 1 seconds \(duration: \d+ms/],
    ["exit", /^Process exited unexpectedly before completing request .*: the instance exited with code 3/],
  ] as const) {
    const answer = await invoke(event);
    assert.equal(answer.headers["x-fc-error-type"], "UnhandledInvocationError");
    assert.match((JSON.parse(text(answer)) as { errorMessage: string }).errorMessage, message);
  }

  const broken = { ...settings, functionName: "broken", code: new fc.Code({ zipFile: zipOf("#!/bin/sh\nexit 1\n") }) };
  await sdk.createFunction("events", new fc.CreateFunctionRequest(broken));
  await assert.rejects(invoke("x", {}, "LATEST", "broken"), { code: "CAExited", message: /did not start/ });

  const lines = await sluice.logs("events.prod/f");
  assert.ok(lines.some((line) => line.source === "call" && line.requestId === requestId));
  assert.match(await sluice.ok(["bill"]), /events\.prod\/f +512 +1 /);
});
