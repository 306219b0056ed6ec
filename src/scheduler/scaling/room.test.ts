import assert from "node:assert/strict";
import { test } from "node:test";
import { entry } from "../testing/scheduler-bench.ts";
import { Room } from "./room.ts";

class Holder {
  readonly revision;
  readonly idleSince: number | undefined;
  readonly #room: Room<Holder>;
  stopped = false;

  constructor(room: Room<Holder>, memoryMb: number, idleSince?: number) {
    this.#room = room;
    this.revision = entry("r1", { memoryMb }).revision;
    this.idleSince = idleSince;
    room.take(this);
  }

  stop(): void {
    this.stopped = true;
    this.#room.leave(this);
  }
}

test("Room counts an instance until it is gone, also while it leaves", () => {
  const room = new Room<Holder>(3, 1000);
  const holder = new Holder(room, 400);
  assert.deepEqual([room.instancesLeft, room.memoryLeftMb], [2, 600]);
  room.leave(holder);
  room.leave(holder);
  assert.deepEqual([room.instancesLeft, room.memoryLeftMb], [2, 600]);
  assert.equal(room.hasMemorySoon(1000), true);
  assert.equal(room.hasMemorySoon(1001), false);
  room.free(holder);
  room.free(holder);
  assert.deepEqual([room.instancesLeft, room.memoryLeftMb], [3, 1000]);
});

test("Room.reclaim() stops the longest idle instances, no more than are needed, and none in vain", () => {
  const room = new Room<Holder>(10, 1000);
  const busy = new Holder(room, 200);
  const young = new Holder(room, 300, 50);
  const old = new Holder(room, 300, 10);
  room.reclaim(900);
  assert.deepEqual([busy.stopped, young.stopped, old.stopped], [false, false, false], "the busy one takes too much");
  room.reclaim(500);
  assert.deepEqual([busy.stopped, young.stopped, old.stopped], [false, false, true]);
  room.reclaim(500);
  assert.equal(young.stopped, false, "what leaves is counted as room that comes");
});

test("Room.reclaim() makes room within the number of instances too", () => {
  const room = new Room<Holder>(2, 1000);
  const old = new Holder(room, 1, 10);
  const young = new Holder(room, 1, 20);
  room.reclaim(1);
  assert.deepEqual([old.stopped, young.stopped], [true, false]);
});
