import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { TimerWheel } from "../base/base.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { Connection, connectionOptions } from "../h2/h2.ts";
import { data, headers, REQUEST, Recorder, SETTINGS_ACK, settings } from "../h2/testing/script.ts";
import { ChunkGarbage } from "./chunk-garbage.ts";
import { FlushQueue } from "./flush-queue.ts";
import { SocketTransport } from "./socket-transport.ts";
import { TurnQueue } from "./turn-queue.ts";
import { TurnShare } from "./turn-share.ts";

/** RFC 9113 §3.4. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A socket that gives what a test pushes, and swallows what is written. */
class Pipe extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

/** A server's connection on a pipe; each request takes `requestMs` of the loop's time. */
function serve(requestMs: number) {
  const clock = new FakeClock();
  const failed = (error: unknown) => {
    throw error;
  };
  const socket = new Pipe();
  const context = {
    flushQueue: new FlushQueue(clock, failed),
    turnQueue: new TurnQueue(),
    garbage: new ChunkGarbage(),
    wheel: new TimerWheel(clock, failed),
    clock,
    connectionFailed: failed,
  };
  const share = new TurnShare();
  const transport = new SocketTransport(socket, context, share);
  const requests: number[] = [];
  const recorder = new Recorder();
  const connection = new Connection("server", connectionOptions({}), transport, {
    request(stream) {
      requests.push(stream.id);
      recorder.stream = stream;
      share.requested(clock.nowMs());
      clock.advance(requestMs);
      return recorder;
    },
    oversizedRequest: () => recorder,
    settings() {},
    goAway() {},
    closed() {},
  });
  transport.attach(connection);
  socket.push(Buffer.concat([PREFACE, settings(), SETTINGS_ACK]));
  return { socket, requests, recorder, clock };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const request = (index: number) => headers(index * 2 + 1, REQUEST, false);
const fiftyFrom = (from: number) => Buffer.concat(Array.from({ length: 50 }, (_, index) => request(from + index)));

/** What a slice of 2 KiB holds, and one that it cut. */
const SLICE_REQUESTS = Math.ceil(2048 / request(0).length) + 1;

test("a connection whose bytes take long gets a share of each turn of the loop, and all of it in the end, in order", async () => {
  const { socket, requests } = serve(0.1);
  await turn();
  const all = Array.from({ length: 900 }, (_, index) => index * 2 + 1);
  // The first chunks are handled whole; from then on they are sliced.
  for (let from = 0; from < 900; from += 50) socket.push(fiftyFrom(from));
  while (requests.length < 150) await turn();
  let turns = 0;
  for (; requests.length < 900; turns++) {
    const before = requests.length;
    await turn();
    assert.ok(requests.length - before <= SLICE_REQUESTS, `${requests.length - before} requests in one turn`);
    assert.ok(turns < 1000, "it stands still");
  }
  assert.ok(turns >= 700 / SLICE_REQUESTS);
  assert.deepEqual(requests, all);
});

test("a connection whose bytes take little time is read as they come, however many they are", async () => {
  const { socket, recorder, requests, clock } = serve(0);
  socket.push(request(0));
  await turn();
  assert.equal(requests.length, 1);
  for (let i = 0; i < 100; i++) socket.push(data(1, 16 * 1024 - 9));
  clock.advance(1);
  await turn();
  await turn();
  assert.equal(recorder.receivedBytes, 100 * (16 * 1024 - 9));
});

test("one that ends while its bytes wait is closed, and they are forgotten", async () => {
  const { socket, requests } = serve(0.1);
  await turn();
  for (let from = 0; from < 300; from += 50) socket.push(fiftyFrom(from));
  await turn();
  const before = requests.length;
  assert.ok(before > 0 && before < 300);
  socket.destroy();
  await turn();
  await turn();
  assert.equal(requests.length, before);
  assert.ok(socket.destroyed);
});
