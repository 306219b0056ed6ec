import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../base/testing/fake-clock.ts";
import {
  functionKey,
  gbSecondsOf,
  type InstanceId,
  newInstanceId,
  type RevisionId,
  type UsageRecord,
} from "../model/model.ts";
import { BusyMeter, MeterBook } from "./metering.ts";

const KEY = functionKey("s", "f");

function identity(instanceId: InstanceId = newInstanceId()) {
  return { instanceId, function: KEY, revisionId: "r" as RevisionId, memoryMb: 512 };
}

/** Plays calls, each [start, end) in ms, on one meter; gives the records of it. */
function play(calls: readonly (readonly [number, number])[], checkpointsAt: readonly number[] = []): UsageRecord[] {
  const clock = new FakeClock();
  const records: UsageRecord[] = [];
  const meter = new BusyMeter(identity(), (record) => records.push(record), clock);
  const events: { readonly at: number; readonly run: () => void }[] = [];
  for (const [start, end] of calls) {
    events.push({ at: start, run: () => meter.begin() }, { at: end, run: () => meter.end() });
  }
  for (const at of checkpointsAt) events.push({ at, run: () => meter.checkpoint() });
  // Stable: a call that ends where another begins ends after, as it was pushed.
  events.sort((a, b) => a.at - b.at);
  for (const event of events) {
    clock.advance(event.at - clock.nowMs());
    event.run();
  }
  meter.checkpoint();
  return records;
}

function callCount(records: readonly UsageRecord[]): number {
  return records.reduce((sum, record) => sum + record.calls, 0);
}

function busyMs(records: readonly UsageRecord[]): number {
  return records.reduce((sum, record) => sum + record.endMs - record.startMs, 0);
}

/** Milliseconds that at least one call covers, counted one by one. */
function unionMs(calls: readonly (readonly [number, number])[]): number {
  const covered = new Set<number>();
  for (const [start, end] of calls) {
    const first = Math.floor(start);
    for (let ms = first; ms < Math.max(Math.ceil(end), first + 1); ms++) covered.add(ms);
  }
  return covered.size;
}

test("BusyMeter bills T4-T1 for overlapping calls T1-T3 and T2-T4, once", () => {
  const records = play([
    [100, 300],
    [200, 400],
  ]);
  assert.equal(busyMs(records), 300);
  assert.equal(callCount(records), 2);
});

test("BusyMeter bills no gap, and a call that is cancelled until its end", () => {
  assert.equal(
    busyMs(
      play([
        [0, 100],
        [500, 510],
      ]),
    ),
    110,
  );
});

test("BusyMeter bills at least 1 ms for a call, and calls within one millisecond together once", () => {
  assert.equal(busyMs(play([[5.2, 5.3]])), 1);
  assert.equal(
    busyMs(
      play([
        [5.1, 5.2],
        [5.3, 5.4],
        [5.5, 6],
      ]),
    ),
    1,
  );
});

test("the records of BusyMeter sum up to the union of all calls, never overlap and count every call, whenever checkpoints come", () => {
  // Tenths of a millisecond, close together: calls that meet within a millisecond are where it goes wrong.
  const tenths = (max: number) => fc.nat({ max }).map((value) => value / 10);
  const call = fc.tuple(tenths(300), tenths(60)).map(([start, length]) => [start, start + length] as const);
  const calls = fc.array(call, { maxLength: 20, size: "max" });
  const checkpoints = fc.array(tenths(400), { maxLength: 8, size: "max" });
  fc.assert(
    fc.property(calls, checkpoints, (calls, checkpointsAt) => {
      const records = play(calls, checkpointsAt);
      assert.equal(busyMs(records), unionMs(calls));
      assert.equal(
        records.reduce((sum, record) => sum + record.calls, 0),
        calls.length,
      );
      let before = Number.NEGATIVE_INFINITY;
      for (const record of records) {
        assert.ok(record.startMs >= before && record.endMs >= record.startMs);
        before = record.endMs;
      }
    }),
    { numRuns: 1000 },
  );
});

test("MeterBook.close() loses nothing of a call that ends after its instance", () => {
  const clock = new FakeClock();
  const records: UsageRecord[] = [];
  const book = new MeterBook((record) => records.push(record), clock);
  const one = identity();
  const meter = book.open(one);
  meter.begin();
  clock.advance(100);
  book.close(one.instanceId);
  clock.advance(7.5);
  meter.end();
  assert.equal(busyMs(records), 108);
});

test("BusyMeter.end() throws for a call that was not begun", () => {
  const meter = new BusyMeter(identity(), () => {}, new FakeClock());
  meter.begin();
  meter.end();
  assert.throws(() => meter.end(), /not begun/);
});

test("MeterBook records open stretches every half second, and two instances apart", () => {
  const clock = new FakeClock();
  const records: UsageRecord[] = [];
  const book = new MeterBook((record) => records.push(record), clock);
  const one = identity();
  const two = identity();
  const first = book.open(one);
  const second = book.open(two);
  first.begin();
  second.begin();
  clock.advance(1250);
  assert.equal(records.length, 4);
  first.end();
  second.end();
  book.close(one.instanceId);
  book.close(two.instanceId);
  assert.equal(busyMs(records), 2500);
  assert.equal(gbSecondsOf({ busyMs: busyMs(records), memoryMb: 512 }), 1.25);
  clock.advance(1000);
  assert.equal(clock.pendingCount, 0);
});
