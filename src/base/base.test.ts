import assert from "node:assert/strict";
import { test } from "node:test";
import { channelPair, LinkedQueue, type QueueLinks, sleep } from "./base.ts";
import { FakeClock } from "./testing/fake-clock.ts";

class Item implements QueueLinks<Item> {
  queuePrevious: Item | undefined = undefined;
  queueNext: Item | undefined = undefined;
  queuedIn: unknown = undefined;
}

test("LinkedQueue keeps order and lets any item leave from where it stands", () => {
  const queue = new LinkedQueue<Item>();
  const [a, b, c] = [new Item(), new Item(), new Item()];
  queue.push(a);
  queue.push(b);
  queue.push(c);
  assert.throws(() => queue.push(b), /twice/);
  queue.remove(b);
  queue.remove(b);
  assert.equal(queue.length, 2);
  assert.equal(queue.shift(), a);
  assert.equal(queue.first, c);
  assert.equal(queue.shift(), c);
  assert.equal(queue.shift(), undefined);
  queue.push(b);
  assert.equal(queue.shift(), b);
});

test("channelPair() delivers copies in order, also those posted before there was a receiver, and tells of the close", async () => {
  const [left, right] = channelPair<{ n: number }, never>();
  const message = { n: 1 };
  left.post(message);
  message.n = 99;
  left.post({ n: 2 });
  await Promise.resolve();
  const seen: number[] = [];
  right.onMessage((received) => seen.push(received.n));
  left.post({ n: 3 });
  await Promise.resolve();
  assert.deepEqual(seen, [1, 2, 3]);
  const closed = new Promise<void>((resolve) => right.onClose(resolve));
  left.close();
  await closed;
});

test("sleep() ends with the clock, or with the signal's reason", async () => {
  const clock = new FakeClock();
  const slept = sleep(clock, 100);
  clock.advance(100);
  await slept;
  const controller = new AbortController();
  const aborted = sleep(clock, 100, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  assert.equal(clock.pendingCount, 0);
});
