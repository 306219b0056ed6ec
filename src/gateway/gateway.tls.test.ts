/** What becomes of calls when TLS changes or breaks under them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { GatewayBench, HOST, MESSAGE } from "./testing/gateway-bench.ts";
import { holding } from "./testing/local-function.ts";

test("a connection whose TLS is broken after the handshake is closed, and its call reaches the function as a cancel", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const raw = connect(bench.gateway.port, "127.0.0.1");
  const session = await bench.client(() => connectTls({ ...bench.clientTls(HOST), socket: raw }));
  const arrived = next();
  bench.open(session).write(MESSAGE);
  const stream = await arrived;
  const cancelled = once(stream, "close");
  // A record of application data that nobody with the keys can have made (RFC 8446 §5.2: bad_record_mac).
  raw.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 32]), Buffer.alloc(32, 1)]));
  await cancelled;
  assert.equal(stream.rstCode, 8);
  assert.equal(bench.gateway.clientCount, 0);
  assert.equal(bench.ended[0]?.cause?.errorType, "ClientCancelled");
  raw.destroy();
});
