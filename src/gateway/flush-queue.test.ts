import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { FlushQueue } from "./flush-queue.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function queueUnderTest() {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const queue = new FlushQueue(clock, (error) => errors.push(error));
  let flushes = 0;
  const flushable = { flush: () => flushes++ };
  /** A read that makes something to write. */
  const read = () => {
    queue.readBegins();
    queue.add(flushable);
    queue.readEnded();
  };
  return { clock, queue, errors, read, flushes: () => flushes };
}

describe("FlushQueue", () => {
  it("writes at the end of a read where reads are rare", () => {
    const { clock, read, flushes } = queueUnderTest();
    for (let count = 1; count <= 10; count++) {
      read();
      assert.equal(flushes(), count);
      clock.advance(1);
    }
  });

  it("gathers the writes of a turn where reads follow each other, until turns have few again", async () => {
    const { clock, read, flushes } = queueUnderTest();
    for (let count = 0; count < 20; count++) read();
    const atOnce = flushes();
    assert.ok(atOnce <= 2, `${atOnce} were written at once`);
    await turn();
    assert.equal(flushes(), 20);
    read();
    assert.equal(flushes(), 20, "it is still busy");
    for (let quiet = 0; quiet < 10; quiet++) {
      await turn();
      clock.advance(1);
      read();
    }
    await turn();
    clock.advance(1);
    const before = flushes();
    read();
    assert.equal(flushes(), before + 1, "it is quiet again");
  });

  it("writes soon what was not caused by a read", async () => {
    const { queue, flushes } = queueUnderTest();
    let written = 0;
    queue.add({ flush: () => written++ });
    assert.equal(written, 0);
    await turn();
    assert.equal(written, 1);
    assert.equal(flushes(), 0);
  });

  it("goes on with the others where one fails, and says so", async () => {
    const { queue, errors } = queueUnderTest();
    const cause = new Error("broken");
    let written = 0;
    queue.add({
      flush: () => {
        throw cause;
      },
    });
    queue.add({ flush: () => written++ });
    await turn();
    assert.deepEqual(errors, [cause]);
    assert.equal(written, 1);
  });
});
