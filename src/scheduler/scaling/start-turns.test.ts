import assert from "node:assert/strict";
import { test } from "node:test";
import { TimerWheel } from "../../base/base.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { type StartAttempt, type StartCandidate, StartTurns } from "./start-turns.ts";

function setUp(atOnceMax: number) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, (error) => {
    throw error;
  });
  return { clock, turns: new StartTurns(atOnceMax, wheel) };
}

/** Wants `wanted` starts; notes each that it begins in `log`. */
class Candidate implements StartCandidate {
  hasRoom = true;
  readonly starts: object[] = [];
  wanted: number;
  readonly #name: string;
  readonly #context: { readonly clock: FakeClock; readonly turns: StartTurns };
  readonly #log: string[];

  constructor(name: string, wanted: number, context: { clock: FakeClock; turns: StartTurns }, log: string[] = []) {
    this.#name = name;
    this.wanted = wanted;
    this.#context = context;
    this.#log = log;
  }

  tryStart(): StartAttempt {
    if (this.wanted === 0) return "enough";
    if (!this.hasRoom) return "noRoom";
    this.wanted -= 1;
    const start = {};
    this.starts.push(start);
    this.#log.push(this.#name);
    this.#context.turns.began(start, this.#context.clock.nowMs());
    return "started";
  }
}

test("StartTurns never runs more starts at once than allowed, and takes turns between candidates", () => {
  const context = setUp(2);
  const log: string[] = [];
  const many = new Candidate("many", 10, context, log);
  const one = new Candidate("one", 1, context, log);
  context.turns.want(many);
  context.turns.want(one);
  assert.deepEqual(log, ["many", "many"]);
  context.turns.finished(many.starts[0] as object);
  context.turns.finished(many.starts[0] as object);
  assert.deepEqual(log, ["many", "many", "many"], "that a start has finished counts once");
  context.turns.finished(many.starts[1] as object);
  assert.deepEqual(log, ["many", "many", "many", "one"]);
});

test("a start that takes very long gives its turn on", () => {
  const context = setUp(1);
  const hangs = new Candidate("hangs", 1, context);
  const waits = new Candidate("waits", 1, context);
  context.turns.want(hangs);
  context.turns.want(waits);
  context.clock.advance(9_900);
  assert.equal(waits.starts.length, 0);
  context.clock.advance(200);
  assert.equal(waits.starts.length, 1);
  context.clock.advance(60_000);
  assert.equal(context.clock.pendingCount, 0);
});

test("a candidate without room holds up no other, and is asked again when there may be room", () => {
  const context = setUp(5);
  const blocked = new Candidate("blocked", 1, context);
  blocked.hasRoom = false;
  const other = new Candidate("other", 2, context);
  context.turns.want(blocked);
  assert.equal(context.turns.isWaitingForRoom(blocked), true);
  context.turns.want(other);
  assert.equal(other.starts.length, 2);
  blocked.hasRoom = true;
  context.turns.roomChanged();
  assert.equal(blocked.starts.length, 1);
  assert.equal(context.turns.someWaitForRoom, false);
});

test("a candidate that had no room when it was its turn is before those that wait for a turn", () => {
  const context = setUp(1);
  const log: string[] = [];
  const blocked = new Candidate("blocked", 1, context, log);
  blocked.hasRoom = false;
  const many = new Candidate("many", 3, context, log);
  context.turns.want(blocked);
  context.turns.want(many);
  blocked.hasRoom = true;
  context.turns.roomChanged();
  context.turns.finished(many.starts[0] as object);
  context.turns.finished(blocked.starts[0] as object);
  assert.deepEqual(log, ["many", "blocked", "many"]);
});

test("after forget() and close() nothing more is started", () => {
  const context = setUp(1);
  const first = new Candidate("first", 1, context);
  const second = new Candidate("second", 1, context);
  const third = new Candidate("third", 1, context);
  context.turns.want(first);
  context.turns.want(second);
  context.turns.forget(second);
  context.turns.finished(first.starts[0] as object);
  assert.equal(second.starts.length, 0);
  context.turns.close();
  context.turns.want(third);
  assert.equal(third.starts.length, 0);
});
