/**
 * The same random calls made to a function directly (node:http2 over h2c) and through Sluice (TLS): bytes, metadata and
 * status are the same but for the documented x-fc-* headers, and RST_STREAM instead of an answer, which becomes a status.
 */
import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import type { Socket } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { statusOfResetCode } from "../grpc/grpc.ts";
import { type CallScript, callScript } from "./testing/call-script.ts";
import { GatewayBench, HOST, KEY, statusOf } from "./testing/gateway-bench.ts";
import { LocalDriver } from "./testing/local-function.ts";
import { ScriptPlayer, type Seen } from "./testing/script-player.ts";

const HEAD = {
  ":method": "POST",
  ":path": "/p.S/M",
  ":authority": HOST,
  "content-type": "application/grpc+proto",
  te: "trailers",
  "user-agent": "differential",
};

/** Scripts that run at the same time on one connection. */
const AT_ONCE_MAX = 4;

test("random calls look the same to client and function, directly and through Sluice", async () => {
  const player = new ScriptPlayer();
  await using bench = await GatewayBench.start(LocalDriver.http2(player.answer));
  const through = await bench.client();
  assert.equal(statusOf(await bench.call(through)).status, "0");
  const socket = (await bench.driver.instances[0]?.connect()) as Socket;
  const direct: ClientHttp2Session = connect(`http://${HOST}`, { createConnection: () => socket });
  direct.on("error", () => {});
  using _direct = { [Symbol.dispose]: () => direct.destroy() };

  const compare = async (script: CallScript): Promise<void> => {
    const [expected, actual] = await Promise.all([
      player.call(direct, HEAD, script),
      player.call(through, HEAD, script),
    ]);
    assert.deepEqual(actual, asStatus(expected, script));
  };
  await fc.assert(
    fc.asyncProperty(fc.array(callScript, { minLength: 1, maxLength: AT_ONCE_MAX }), async (scripts) => {
      await Promise.all(scripts.map(compare));
    }),
    // Scripts are short, and a call that hangs takes seconds: nothing is made smaller.
    { numRuns: 150, endOnFailure: true },
  );
  assert.deepEqual(bench.errors, []);
  assert.equal(bench.gateway.openCalls, 0);
  assert.ok(bench.scheduler.statusOf(KEY)?.instances.every(({ openCalls }) => openCalls === 0));
});

/** A function's RST_STREAM in place of an answer reaches the caller as the status that gRPC's mapping gives it. */
function asStatus(seen: Seen, { finish }: CallScript): Seen {
  return finish.kind === "reset" ? { ...seen, head: [`grpc-status: ${statusOfResetCode(finish.code)}`] } : seen;
}
