import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EventQueue, SimulatedEvent } from "./event-queue.ts";
import { seededRandom } from "./seeded-random.ts";

class Note extends SimulatedEvent {
  readonly name: number;
  readonly #happened: number[];

  constructor(name: number, happened: number[]) {
    super();
    this.name = name;
    this.#happened = happened;
  }

  override happen(): void {
    this.#happened.push(this.name);
  }
}

function runAll(queue: EventQueue): void {
  for (let event = queue.next(); event !== undefined; event = queue.next()) event.happen();
}

test("Events happen in the order of their times, equal ones as scheduled, and not when cancelled", () => {
  const delays = fc.array(fc.record({ delayMs: fc.nat(20), movedMs: fc.option(fc.nat(20)), cancelled: fc.boolean() }));
  fc.assert(
    fc.property(delays, (plan) => {
      const queue = new EventQueue();
      const happened: number[] = [];
      const notes = plan.map((_, name) => new Note(name, happened));
      const expected: { name: number; at: number; order: number }[] = [];
      for (const [name, { delayMs }] of plan.entries()) queue.schedule(notes[name] as Note, delayMs);
      plan.forEach(({ delayMs, movedMs, cancelled }, name) => {
        if (movedMs !== null) queue.schedule(notes[name] as Note, movedMs);
        if (cancelled) queue.cancel(notes[name] as Note);
        else expected.push({ name, at: movedMs ?? delayMs, order: movedMs === null ? name : plan.length + name });
      });
      assert.equal(queue.length, expected.length);
      runAll(queue);
      expected.sort((a, b) => a.at - b.at || a.order - b.order);
      assert.deepEqual(
        happened,
        expected.map(({ name }) => name),
      );
    }),
  );
});

test("Time jumps to the next event; a wake-up of the clock is one, and can be cancelled", () => {
  const queue = new EventQueue();
  const woken: number[] = [];
  queue.wakeAfter(5, () => woken.push(queue.nowMs()));
  queue.wakeAfter(3, () => woken.push(-1)).cancel();
  queue.wakeAfter(2, () => queue.wakeAfter(1, () => woken.push(queue.nowMs())));
  runAll(queue);
  assert.deepEqual(woken, [3, 5]);
  assert.equal(queue.length, 0);
});

test("A seed gives the same sequence again, another seed another one, evenly spread", () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 1000 }, random);
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  assert.notDeepEqual(draw(7), draw(7 + 2 ** 32));
  const tenths = new Array<number>(10).fill(0);
  for (const value of draw(1)) tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
  for (const count of tenths) assert.ok(count > 60 && count < 140, `${tenths}`);
});
