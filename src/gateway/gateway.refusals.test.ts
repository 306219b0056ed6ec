/** Whatever the gateway refuses is counted under its token, whichever part refused it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { FrameType, frame, PREFACE, windowUpdate } from "../h2/testing/script.ts";
import { GatewayBench, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver } from "./testing/local-function.ts";
import { RawClient } from "./testing/raw-client.ts";

test("refusals: before HTTP/2, a client without TLS, one without h2, and one with a broken handshake", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const { port, refusals } = bench.gateway;
  const plain = connect(port, "127.0.0.1");
  plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await once(plain.resume(), "close");
  const silent = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(
    silent.on("error", () => {}),
    "close",
  );
  const broken = connect(port, "127.0.0.1");
  broken.write(Buffer.from([0x16, 3, 1, 0, 5, 0xff, 0, 0, 1, 0]));
  await once(broken.resume(), "close");
  assert.deepEqual(refusals.counts(), { not_tls: 1, alpn: 1, tls_handshake: 1 });
});

test("refusals: faults of connections and of streams, under the tokens that GOAWAY says", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const { refusals } = bench.gateway;
  const client = await RawClient.greeted(bench);
  client.request(1, ["content-length", "7"], true);
  await client.until(() => client.framesOf(FrameType.RST_STREAM).length === 1);
  assert.equal(refusals.countOf("content_length"), 1);
  client.send(windowUpdate(0, 0));
  assert.equal((await client.ended()).token, "window_update_0");
  assert.equal(refusals.countOf("window_update_0"), 1);
  const second = await RawClient.connect(bench);
  second.send(PREFACE, frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
  await second.ended();
  assert.equal(refusals.countOf("settings_first"), 1);
});

test("refusals: requests that become no call, and calls that a limit ends; not those that end well", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver, { instancesMax: 1, queueCallsMax: 1 });
  bench.put({ instanceConcurrency: 1 }, "one");
  const client = await bench.client();
  await bench.call(client, { "content-type": "text/html" });
  await bench.call(client, { ":authority": "other.local.fcapp.localhost" });
  assert.equal(statusOf(await bench.call(client, { ":authority": "example.com" })).errorType, "RouteNotFound");
  const arrived = next();
  const running = bench.call(client);
  const stream = await arrived;
  const queued = bench.open(client);
  queued.end();
  assert.equal(statusOf(await bench.call(client)).errorType, "ResourceExhausted");
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end();
  assert.equal(statusOf(await running).status, "0");
  queued.close(8);
  assert.deepEqual(bench.gateway.refusals.counts(), { not_grpc: 1, RouteNotFound: 2, ResourceExhausted: 1 });
});
