import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { silentLogger, TimerWheel } from "../base/base.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { connectionOptions, type StreamHandler } from "../h2/h2.ts";
import type { Fault, InstanceId } from "../model/model.ts";
import { ChunkGarbage } from "./chunk-garbage.ts";
import { FlushQueue } from "./flush-queue.ts";
import { InstanceConnection } from "./instance-connection.ts";
import { gatewayLimits } from "./limits.ts";
import { Refusals } from "./refusals.ts";
import { TurnQueue } from "./turn-queue.ts";

const PING = 6;
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

const ignoring: StreamHandler = {
  headers() {},
  data() {},
  trailers() {},
  reset() {},
  sent() {},
  closed() {},
};

/** An instance that says nothing but what the test has it say. */
class SilentInstance extends Duplex {
  /** Frame types that came, behind the preface. */
  readonly frameTypes: number[] = [];
  lastPing = Buffer.alloc(0);
  writes = 0;
  #unread = Buffer.alloc(0);
  #prefaceSeen = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes += 1;
    this.#unread = Buffer.concat([this.#unread, chunk]);
    if (!this.#prefaceSeen) this.#unread = this.#unread.subarray(24);
    this.#prefaceSeen = true;
    while (this.#unread.length >= 9) {
      const end = 9 + this.#unread.readUIntBE(0, 3);
      const type = this.#unread[3] as number;
      if (type === PING) this.lastPing = Buffer.from(this.#unread.subarray(9, end));
      this.frameTypes.push(type);
      this.#unread = this.#unread.subarray(end);
    }
    done();
  }

  get pings(): number {
    return this.frameTypes.filter((type) => type === PING).length;
  }

  ping(): void {
    this.push(Buffer.from([0, 0, 8, PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
  }

  answerPing(): void {
    this.push(Buffer.concat([Buffer.from([0, 0, 8, PING, 1, 0, 0, 0, 0]), this.lastPing]));
  }
}

async function connected() {
  const clock = new FakeClock();
  const instance = new SilentInstance();
  const failed = (error: unknown) => {
    throw error;
  };
  const context = {
    flushQueue: new FlushQueue(clock, failed),
    garbage: new ChunkGarbage(),
    turnQueue: new TurnQueue(),
    wheel: new TimerWheel(clock, failed),
    clock,
    connectionFailed: failed,
    instanceOptions: connectionOptions({}),
    refusals: new Refusals(clock, silentLogger),
    limits: gatewayLimits(),
  };
  const closed: (Fault | undefined)[] = [];
  const connection = new InstanceConnection(instance, context, {
    instanceId: "i-1" as InstanceId,
    connectionReady() {},
    connectionRetired() {},
    connectionProved() {},
    connectionClosed: (_connection, cause) => closed.push(cause),
  });
  connection.start();
  let nowMs = 0;
  /** Time passes, second by second. */
  const pass = async (ms: number) => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += SECOND_MS;
      connection.tick(nowMs);
    }
    await settled();
  };
  instance.push(EMPTY_SETTINGS);
  await settled();
  return { connection, instance, closed, pass, clock };
}

/** Lets streams and the flush queue do what they have to. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

test("tick: without a call no PING is sent, however long the silence", async () => {
  const { instance, closed, pass } = await connected();
  await pass(60 * MINUTE_MS);
  assert.equal(instance.pings, 0);
  assert.equal(closed.length, 0);
});

test("tick: a call and 10 s of silence, one PING; without an answer within 10 s the instance is unresponsive", async () => {
  const { connection, instance, closed, pass } = await connected();
  await pass(SECOND_MS);
  connection.open([":method", "POST", ":scheme", "http", ":path", "/a/B"], [], false, ignoring);
  await pass(9 * SECOND_MS);
  assert.equal(instance.pings, 0);
  await pass(3 * SECOND_MS);
  assert.equal(instance.pings, 1);
  assert.equal(closed.length, 0);
  await pass(11 * SECOND_MS);
  assert.deepEqual(
    closed.map((cause) => cause?.errorType),
    ["FunctionUnresponsive"],
  );
});

test("tick: an answered PING is not followed by another for 5 minutes (grpc-go, too_many_pings)", async () => {
  const { connection, instance, closed, pass } = await connected();
  connection.open([":method", "POST", ":scheme", "http", ":path", "/a/B"], [], false, ignoring);
  await pass(15 * SECOND_MS);
  assert.equal(instance.pings, 1);
  instance.answerPing();
  await pass(4 * MINUTE_MS);
  assert.equal(instance.pings, 1);
  await pass(2 * MINUTE_MS);
  assert.equal(instance.pings, 2);
  assert.equal(closed.length, 1, "the second was not answered");
});

test("tick: an instance that says something behind the PING and is silent then is unresponsive 10 s later", async () => {
  const { connection, instance, closed, pass } = await connected();
  connection.open([":method", "POST", ":scheme", "http", ":path", "/a/B"], [], false, ignoring);
  await pass(14 * SECOND_MS);
  assert.equal(instance.pings, 1);
  instance.push(EMPTY_SETTINGS);
  await settled();
  await pass(9 * SECOND_MS);
  assert.equal(closed.length, 0);
  await pass(3 * SECOND_MS);
  assert.equal(closed[0]?.errorType, "FunctionUnresponsive");
});

test("scheduleFlush: the answer to a PING waits for 5 ms at the most, or goes with the next call's head in one write", async () => {
  const { connection, instance, clock } = await connected();
  instance.ping();
  await settled();
  assert.equal(instance.pings, 0);
  clock.advance(10);
  await settled();
  assert.equal(instance.pings, 1);
  assert.deepEqual([...instance.lastPing], [1, 2, 3, 4, 5, 6, 7, 8]);

  instance.ping();
  await settled();
  const { writes } = instance;
  connection.open([":method", "POST", ":scheme", "http", ":path", "/a/B"], [], true, ignoring);
  await settled();
  assert.equal(instance.pings, 2);
  assert.equal(instance.writes, writes + 1);
});
