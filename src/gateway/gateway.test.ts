import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { answerOf, GatewayBench, KEY, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver, type LocalInstance } from "./testing/local-function.ts";

test("a unary call goes through with its bytes, its status and a request id, and frees its slot", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  const body = Buffer.concat([Buffer.from([0, 0, 1, 0, 0]), Buffer.alloc(65_536, 7)]);
  const answer = await bench.call(client, {}, body);
  assert.equal(statusOf(answer).status, "0");
  assert.ok(answer.body.equals(body));
  assert.match(answer.head["x-fc-request-id"] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
  assert.equal(bench.gateway.openCalls, 0);
  assert.deepEqual(bench.errors, []);
});

test("a 4 MB message and its echo pass through windows of 64 KiB", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  const body = Buffer.alloc(4 * 1024 * 1024, 3);
  const answer = await bench.call(client, {}, body);
  assert.equal(statusOf(answer).status, "0");
  assert.ok(answer.body.equals(body));
});

test("the function sees the documented headers, and none that the client forged", async () => {
  let seen: Record<string, unknown> = {};
  const driver = LocalDriver.http2((stream, headers) => {
    seen = headers;
    echo(stream, headers);
  });
  await using bench = await GatewayBench.start(driver);
  const answer = await bench.call(await bench.client(), {
    "x-fc-account-id": "forged",
    "x-user-bin": "AAEC",
    "grpc-timeout": "9S",
  });
  assert.equal(seen["x-fc-account-id"], "1");
  assert.equal(seen["x-fc-function-name"], "f");
  assert.equal(seen["x-fc-control-path"], "/http-invoke");
  assert.equal(seen["x-fc-request-id"], answer.head["x-fc-request-id"]);
  assert.equal(seen["x-user-bin"], "AAEC");
  assert.equal(seen["te"], "trailers");
  assert.equal(seen["x-fc-access-key-secret"], undefined);
  assert.ok(seen["grpc-timeout"]);
});

test("x-fc-* headers of the function are stripped from head and trailers", async () => {
  const driver = LocalDriver.http2((stream) => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "x-fc-request-id": "forged" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-fc-error-type": "forged" }));
    stream.end();
  });
  await using bench = await GatewayBench.start(driver);
  const answer = await bench.call(await bench.client());
  assert.notEqual(answer.head["x-fc-request-id"], "forged");
  assert.equal(statusOf(answer).errorType, undefined);
});

test("a call without answer ends with 13 FunctionTimeout when the function's timeout is over, and the function is reset", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  bench.put({ timeoutMs: 100 }, "quick");
  const arrived = next();
  const answering = bench.call(await bench.client());
  const stream = await arrived;
  const closed = once(stream, "close");
  assert.deepEqual(
    { ...statusOf(await answering), message: "" },
    { status: "13", errorType: "FunctionTimeout", message: "" },
  );
  await closed;
  assert.equal(stream.rstCode, 8);
  assert.match(
    bench.ended[0]?.cause?.message ?? "",
    /^server closed the stream without sending trailers: .*timeout of 0\.1 s/,
  );
});

test("the client's deadline ends a call with 4, also where the answer has begun", async () => {
  const driver = LocalDriver.http2((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(MESSAGE);
  });
  await using bench = await GatewayBench.start(driver);
  const answer = await bench.call(await bench.client(), { "grpc-timeout": "100m" });
  assert.equal(answer.trailers["grpc-status"], "4");
  assert.equal(answer.trailers["x-fc-error-type"], "ClientDeadline");
  assert.ok(answer.body.equals(MESSAGE));
});

test("a client's cancel reaches the function as RST_STREAM CANCEL at once, and frees the slot", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const arrived = next();
  const call = bench.open(client);
  call.write(MESSAGE);
  const stream = await arrived;
  const closed = once(stream, "close");
  call.close(8);
  await closed;
  assert.equal(stream.rstCode, 8);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
  assert.equal(bench.ended[0]?.cause?.errorType, "ClientCancelled");
});

test("a cancel is at the function within 10 ms (median of 20)", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  bench.put({ instanceConcurrency: 100 }, "many");
  const client = await bench.client();
  const tookMs: number[] = [];
  for (let i = 0; i < 20; i++) {
    const arrived = next();
    const call = bench.open(client);
    call.write(MESSAGE);
    const stream = await arrived;
    const closed = once(stream, "close");
    const cancelledAt = performance.now();
    call.close(8);
    await closed;
    tookMs.push(performance.now() - cancelledAt);
  }
  const median = tookMs.sort((a, b) => a - b)[10] as number;
  assert.ok(median <= 10, `median ${median} ms`);
});

test("a function that does not read stops its own call, not another one, and the client's bytes stay with the client", async () => {
  const driver = LocalDriver.http2((stream, headers) => {
    if (headers["x-deaf"] === undefined) echo(stream, headers);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const deaf = bench.open(client, { "x-deaf": "1" });
  let written = 0;
  const chunk = Buffer.alloc(64 * 1024);
  while (deaf.write(chunk) && written < 64 * 1024 * 1024) written += chunk.length;
  const answer = await bench.call(client, {}, Buffer.alloc(100_000, 9));
  assert.equal(statusOf(answer).status, "0");
  // Nothing more went than the windows of gateway and function together.
  await wait(100);
  assert.ok(deaf.writableLength > 0 || written <= 1024 * 1024, `${written} bytes were taken`);
});

test("a bug in one call ends that call with 13 Internal, is logged, and leaves connection and slots whole (invariant 9)", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  await bench.call(client);
  bench.failNextMeter = true;
  const broken = statusOf(await bench.call(client));
  assert.deepEqual([broken.status, broken.errorType], ["13", "Internal"]);
  assert.equal(bench.errors.length, 1);
  assert.equal(statusOf(await bench.call(client)).status, "0");
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
  assert.equal(bench.gateway.openCalls, 0);
});

test("a client that goes away cancels its calls", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const arrived = next();
  bench.open(client).write(MESSAGE);
  const stream = await arrived;
  const closed = once(stream, "close");
  client.destroy();
  await closed;
  assert.equal(stream.rstCode, 8);
});

test("what is no gRPC call gets 415 and a sentence, and starts nothing", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  const answer = await bench.call(client, { "content-type": "application/json" });
  assert.equal(answer.head[":status"], "415");
  assert.match(answer.body.toString(), /gRPC/);
  assert.ok(answer.head["x-fc-request-id"]);
  assert.equal(bench.driver.instances.length, 0);
});

test("an unknown host gets 12 that names it, as an old address of Function Compute does, a foreign one with a route that the certificate does not cover 14 Misdirected", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  const unknown = statusOf(await bench.call(client, { ":authority": "nobody.local.fcapp.localhost:8089" }));
  assert.deepEqual([unknown.status, unknown.errorType], ["12", "RouteNotFound"]);
  assert.match(unknown.message, /nobody\.local\.fcapp\.localhost:8089/);
  for (const old of [
    { ":path": "/2016-08-15/proxy/s/f/test.Echo/Unary" },
    { ":authority": "1234567890.cn-hangzhou.fc.aliyuncs.com:8089" },
  ]) {
    const told = statusOf(await bench.call(client, old));
    assert.deepEqual([told.status, told.errorType], ["12", "RouteNotFound"]);
    assert.match(told.message, /serve no gRPC, here as in Function Compute: call \/package\.Service\/Method/);
  }
  bench.gateway.putRoute({
    kind: "route",
    host: "tenant.example",
    path: "/*",
    function: KEY,
    methods: ["POST"],
    authType: "anonymous",
    internetUrlDisabled: false,
    origin: "customDomain",
  });
  const foreign = statusOf(await bench.call(client, { ":authority": "tenant.example" }));
  assert.deepEqual([foreign.status, foreign.errorType], ["14", "Misdirected"]);
});

test("a request head over the limit gets 8 HeadersTooLarge, and the connection lives", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const client = await bench.client();
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-field-${i}`, "v"]));
  const got = statusOf(await bench.call(client, many));
  assert.deepEqual([got.status, got.errorType], ["8", "HeadersTooLarge"]);
  assert.equal(statusOf(await bench.call(client)).status, "0");
});

test("a response head that is no gRPC is passed on as it is", async () => {
  const driver = LocalDriver.http2((stream) => {
    stream.respond({ ":status": 503, "content-type": "text/html" });
    stream.end("busy");
  });
  await using bench = await GatewayBench.start(driver);
  const answer = await bench.call(await bench.client());
  assert.equal(answer.head[":status"], "503");
  assert.equal(answer.body.toString(), "busy");
});

test("a function that answers early ends the call; the rest of the request is given up with RST_STREAM NO_ERROR", async () => {
  const driver = LocalDriver.http2((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "9" }, { endStream: true });
  });
  await using bench = await GatewayBench.start(driver);
  const call = bench.open(await bench.client());
  const answering = answerOf(call);
  call.write(MESSAGE);
  const answer = await answering;
  assert.equal(statusOf(answer).status, "9");
  assert.equal(answer.resetCode, 0);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
});

test("what does not speak HTTP/2 on caPort is 14 NotHttp2", async () => {
  const driver = LocalDriver.tcp((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  await using bench = await GatewayBench.start(driver);
  const got = statusOf(await bench.call(await bench.client()));
  assert.deepEqual([got.status, got.errorType], ["14", "NotHttp2"]);
});

test("GOAWAY of an instance is no fault: open calls finish, new ones go over a new connection", async () => {
  const { driver, streams, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const arrived = next();
  const first = bench.call(client);
  await arrived;
  const instance = driver.instances[0] as LocalInstance;
  for (const session of instance.sessions) session.goaway(0);
  await wait(20);
  const again = next();
  const second = bench.call(client);
  await again;
  for (const stream of streams) {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end();
  }
  assert.equal(statusOf(await first).status, "0");
  assert.equal(statusOf(await second).status, "0");
  assert.equal(driver.instances.length, 1);
  assert.equal(instance.sessions.size, 2);
});

test("calls beyond one instance's concurrency start others; each instance sees no more than its slots", async () => {
  const { driver, streams } = holding();
  await using bench = await GatewayBench.start(driver);
  bench.put({ instanceConcurrency: 2 }, "two");
  const client = await bench.client();
  for (let i = 0; i < 5; i++) bench.open(client).write(MESSAGE);
  while (streams.length < 5) await wait(5);
  const open = bench.scheduler.statusOf(KEY)?.instances.map((instance) => instance.openCalls);
  assert.deepEqual(open?.sort(), [1, 2, 2]);
});

test("a stalled stream does not stop another on the same connections", async () => {
  const driver = LocalDriver.http2((stream, headers) => {
    if (headers["x-flood"] === undefined) {
      echo(stream, headers);
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.end(Buffer.alloc(8 * 1024 * 1024));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const stalled = bench.open(client, { "x-flood": "1" });
  stalled.end(MESSAGE);
  await once(stalled, "response");
  stalled.pause();
  const answer = await bench.call(client, {}, Buffer.alloc(200_000, 5));
  assert.equal(answer.body.length, 200_000);
});

test("a client that names no server is shown the default certificate, which covers the address", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const socket = connectTls({
    host: "127.0.0.1",
    port: bench.gateway.port,
    ca: readFileSync(bench.ca.caFile),
    ALPNProtocols: ["h2"],
  });
  await once(socket, "secureConnect");
  assert.equal(socket.authorized, true);
  assert.equal(socket.alpnProtocol, "h2");
  socket.destroy();
});

test("a client that does not speak h2, or nothing above TLS 1.1, gets no connection", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const options = { host: "127.0.0.1", port: bench.gateway.port, rejectUnauthorized: false } as const;
  await assert.rejects(once(connectTls({ ...options, ALPNProtocols: ["http/1.1"] }), "secureConnect"));
  await assert.rejects(
    once(
      connectTls({ ...options, ALPNProtocols: ["h2"], maxVersion: "TLSv1.1", minVersion: "TLSv1" }),
      "secureConnect",
    ),
  );
  const silent = connectTls(options);
  await once(silent, "secureConnect");
  await once(silent, "close");
});

test("a plaintext client is closed without a byte", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const socket = connect(bench.gateway.port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await once(socket, "end");
  assert.equal(Buffer.concat(chunks).length, 0);
  socket.destroy();
});

test("draining lets open calls finish, then the connections go", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const arrived = next();
  const answering = bench.call(await bench.client());
  const stream = await arrived;
  const drained = bench.gateway.drain();
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end();
  assert.equal(statusOf(await answering).status, "0");
  await drained;
  assert.equal(bench.gateway.clientCount, 0);
});

test("a call's busy time is billed from its head at the instance to its end there", async () => {
  await using bench = await GatewayBench.start(
    LocalDriver.http2((stream, headers) => {
      setTimeout(() => echo(stream, headers), 60);
    }),
  );
  const client = await bench.client();
  await Promise.all([bench.call(client), bench.call(client)]);
  await wait(10);
  await bench.call(client);
  // A record is written when the next stretch begins, at a checkpoint, or at the end.
  const [first] = bench.usage;
  assert.equal(first?.calls, 2);
  assert.ok((first?.endMs ?? 0) - (first?.startMs ?? 0) >= 60);
});

test("a call that waits does not get the slot of one that ran into its timeout: that instance is replaced first", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver, { instancesMax: 1 });
  bench.put({ instanceConcurrency: 1, timeoutMs: 200 }, "one at a time");
  const client = await bench.client();
  const first = next();
  const hanging = bench.call(client);
  const before = (await first).session;
  const second = next();
  const waiting = bench.call(client);
  assert.equal(statusOf(await hanging).errorType, "FunctionTimeout");
  const stream = await second;
  assert.notEqual(stream.session, before, "another instance");
  echo(stream, {});
  assert.equal(statusOf(await waiting).status, "0");
});
