import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "./testing/fake-clock.ts";
import { Timer, TimerWheel } from "./timer-wheel.ts";

class Recorder extends Timer {
  firedAt: number[] = [];
  override fire(nowMs: number): void {
    this.firedAt.push(nowMs);
  }
}

function failOnError(error: unknown): void {
  throw error;
}

test("TimerWheel fires each timer once, never early and at most a slot late, whatever is disarmed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 20_000 }), disarm: fc.boolean() }), { maxLength: 60 }),
      (plans) => {
        const clock = new FakeClock();
        const wheel = new TimerWheel(clock, failOnError);
        const timers = plans.map((plan) => {
          const timer = new Recorder();
          wheel.arm(timer, plan.delayMs);
          return timer;
        });
        plans.forEach((plan, i) => {
          if (plan.disarm) wheel.disarm(timers[i] as Recorder);
        });
        clock.advance(21_000);
        plans.forEach((plan, i) => {
          const fired = (timers[i] as Recorder).firedAt;
          if (plan.disarm) {
            assert.deepEqual(fired, []);
          } else {
            assert.equal(fired.length, 1);
            assert.ok((fired[0] as number) >= plan.delayMs, `fired at ${fired[0]}, due ${plan.delayMs}`);
            assert.ok((fired[0] as number) <= plan.delayMs + 4, `fired at ${fired[0]}, due ${plan.delayMs}`);
          }
        });
        assert.equal(wheel.armedCount, 0);
        assert.equal(clock.pendingCount, 0);
      },
    ),
  );
});

test("TimerWheel fires in time when a nearer timer is armed after a further one", () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, failOnError);
  const far = new Recorder();
  const near = new Recorder();
  wheel.arm(far, 60_000);
  clock.advance(1234);
  wheel.arm(near, 50);
  clock.advance(60);
  assert.equal(near.firedAt.length, 1);
  assert.equal(far.firedAt.length, 0);
  clock.advance(60_000);
  assert.equal(far.firedAt.length, 1);
});

test("TimerWheel goes on after a timer that throws, and reports it", () => {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const wheel = new TimerWheel(clock, (error) => errors.push(error));
  const bad = new (class extends Timer {
    override fire(): void {
      throw new Error("bad timer");
    }
  })();
  const good = new Recorder();
  wheel.arm(bad, 10);
  wheel.arm(good, 10);
  clock.advance(20);
  assert.equal(errors.length, 1);
  assert.equal(good.firedAt.length, 1);
});

test("a Timer may re-arm itself while it fires", () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, failOnError);
  let count = 0;
  const timer = new (class extends Timer {
    override fire(): void {
      count += 1;
      if (count < 3) wheel.arm(this, 100);
    }
  })();
  wheel.arm(timer, 100);
  clock.advance(1000);
  assert.equal(count, 3);
});

test("TimerWheel.armAt fires what is due already at once, however long the wheel stood still, and turned, before", () => {
  for (const idleMs of [0, 3, 100, 4_097, 60_000]) {
    for (const lateMs of [0, 1, 50, 5_000]) {
      for (const turns of [false, true]) {
        const clock = new FakeClock();
        const wheel = new TimerWheel(clock, failOnError);
        clock.advance(10_000);
        if (turns) wheel.arm(new Recorder(), idleMs);
        clock.advance(idleMs);
        const timer = new Recorder();
        wheel.armAt(timer, clock.nowMs() - lateMs);
        clock.advance(4);
        assert.equal(
          timer.firedAt.length,
          1,
          `idle ${idleMs} ms, ${lateMs} ms late, ${turns ? "turned" : "never turned"}`,
        );
      }
    }
  }
});
