import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { answerOf, GatewayBench, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver, type LocalInstance, type StreamAnswer } from "./testing/local-function.ts";

/** How a function can end a call wrongly, and what the caller is told. */
const WRONG_ENDS: readonly (readonly [string, StreamAnswer, string, string, RegExp])[] = [
  [
    "END_STREAM without trailers",
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.end(MESSAGE);
    },
    "13",
    "BadResponse",
    /without trailers/,
  ],
  [
    "a head that ends the call without status",
    (stream) => stream.respond({ ":status": 200, "content-type": "application/grpc" }, { endStream: true }),
    "13",
    "BadResponse",
    /without a status/,
  ],
  [
    "trailers without grpc-status",
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ other: "1" }));
      stream.end();
    },
    "13",
    "BadResponse",
    /valid grpc-status/,
  ],
  ["RST_STREAM INTERNAL_ERROR", (stream) => stream.close(2), "13", "FunctionReset", /INTERNAL_ERROR/],
  ["RST_STREAM CANCEL", (stream) => stream.close(8), "1", "FunctionReset", /CANCEL/],
  ["RST_STREAM ENHANCE_YOUR_CALM", (stream) => stream.close(11), "8", "FunctionReset", /ENHANCE_YOUR_CALM/],
  ["RST_STREAM INADEQUATE_SECURITY", (stream) => stream.close(12), "7", "FunctionReset", /INADEQUATE_SECURITY/],
];

for (const [what, answer, status, errorType, words] of WRONG_ENDS) {
  test(`${what} is answered with status ${status} ${errorType}`, async () => {
    await using bench = await GatewayBench.start(LocalDriver.http2(answer));
    const got = statusOf(await bench.call(await bench.client()));
    assert.equal(got.status, status);
    assert.equal(got.errorType, errorType);
    assert.match(got.message, words);
    assert.match(got.message, /request id: /);
  });
}

test("REFUSED_STREAM is replayed once, to where it is served", async () => {
  let refusals = 0;
  const driver = LocalDriver.http2((stream, headers) => {
    if (refusals++ === 0) stream.close(7);
    else echo(stream, headers);
  });
  await using bench = await GatewayBench.start(driver);
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0xc3, 0x50]), Buffer.alloc(50_000, 1)]);
  const answer = await bench.call(await bench.client(), {}, body);
  assert.equal(statusOf(answer).status, "0");
  assert.ok(answer.body.equals(body));
});

test("REFUSED_STREAM twice is 14: a call is sent again once", async () => {
  let refusals = 0;
  const driver = LocalDriver.http2((stream) => {
    refusals += 1;
    stream.close(7);
  });
  await using bench = await GatewayBench.start(driver);
  assert.equal(statusOf(await bench.call(await bench.client())).status, "14");
  assert.equal(refusals, 2);
});

test("an instance killed before its answer ends its calls with 13 FunctionExited, in words; it is replaced", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const arrived = next();
  const answering = bench.call(client);
  await arrived;
  (driver.instances[0] as LocalInstance).crash({ signal: "SIGKILL" });
  const got = statusOf(await answering);
  assert.deepEqual([got.status, got.errorType], ["13", "FunctionExited"]);
  assert.match(got.message, /killed by SIGKILL/);
  const again = next();
  void bench.call(client);
  await again;
  assert.equal(driver.instances.length, 2);
});

test("an instance killed amid a stream: what it sent arrives, then trailers with 13, no clean end", async () => {
  const driver = LocalDriver.http2((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(MESSAGE);
  });
  await using bench = await GatewayBench.start(driver);
  const call = bench.open(await bench.client());
  const answering = answerOf(call);
  call.end(MESSAGE);
  await once(call, "data");
  (driver.instances[0] as LocalInstance).crash({ outOfMemory: true, signal: "SIGKILL" });
  const answer = await answering;
  assert.ok(answer.body.equals(MESSAGE));
  assert.equal(answer.trailers["grpc-status"], "13");
  assert.equal(answer.trailers["x-fc-error-type"], "FunctionOOM");
});

test("a call that waits is not sent to the connection that ends and so frees the slot", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver, { instancesMax: 1 });
  bench.put({ instanceConcurrency: 1 }, "r2");
  const client = await bench.client();
  const arrived = next();
  const first = bench.call(client);
  await arrived;
  const again = next();
  void bench.call(client);
  // When the PING is answered the second call has come, and waits.
  await new Promise((resolve) => client.ping(resolve));
  // DATA on stream 0: the instance breaks HTTP/2.
  for (const socket of (driver.instances[0] as LocalInstance).sockets) socket.write(Buffer.alloc(9));
  assert.equal(statusOf(await first).errorType, "BadResponse");
  await again;
  assert.equal(driver.instances.length, 2);
});
