import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FreeSlots, type SlotHolder } from "./free-slots.ts";
import { OrderedBits } from "./ordered-bits.ts";

interface Holder extends SlotHolder {
  openCalls: number;
  capacity: number;
  provisioned: boolean;
  readonly age: number;
}

const CALLS_MAX = 4;
const SOFT_CALLS_MAX = 2;

/** What FreeSlots promises, looked up one by one: provisioned ones, then the fullest with a free slot, then the oldest. */
function naivePreferred(holders: readonly Holder[]): Holder | undefined {
  const free = holders.filter((holder) => holder.openCalls < holder.capacity);
  const classOf = (holder: Holder) => Number(!holder.provisioned);
  return free.sort((a, b) => classOf(a) - classOf(b) || b.openCalls - a.openCalls || a.age - b.age)[0];
}

test("FreeSlots prefers provisioned holders, then the fullest with a free slot, then the oldest, whatever comes, changes and goes", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "add", "take", "take", "take", "free", "free", "capacity", "class", "remove"),
    at: fc.nat({ max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const slots = new FreeSlots<Holder>(CALLS_MAX, SOFT_CALLS_MAX);
      const holders: Holder[] = [];
      let age = 0;
      for (const { kind, at } of steps) {
        const chosen = holders[at % Math.max(1, holders.length)];
        if (kind === "add") {
          const holder = {
            openCalls: 0,
            capacity: 1 + (at % CALLS_MAX),
            provisioned: at % 3 === 0,
            seat: -1,
            rank: -1,
            age,
          };
          age += 1;
          holders.push(holder);
          slots.add(holder);
        } else if (kind === "take") {
          const preferred = slots.preferred();
          if (preferred === undefined) continue;
          preferred.openCalls += 1;
          slots.update(preferred);
        } else if (chosen !== undefined) {
          if (kind === "free") chosen.openCalls = Math.max(0, chosen.openCalls - 1);
          if (kind === "capacity") chosen.capacity = at % (CALLS_MAX + 1);
          if (kind === "class") chosen.provisioned = !chosen.provisioned;
          if (kind === "remove") holders.splice(holders.indexOf(chosen), 1);
          if (kind === "remove") slots.remove(chosen);
          else slots.update(chosen);
        }
        assert.equal(slots.preferred()?.age, naivePreferred(holders)?.age);
        const calm = holders.filter(
          ({ openCalls, capacity }) => openCalls < capacity && openCalls <= SOFT_CALLS_MAX,
        ).length;
        assert.equal(slots.calmCount, calm);
      }
    }),
  );
});

test("FreeSlots keeps the order of age when it gives all seats anew", () => {
  const slots = new FreeSlots<Holder>(1, 1);
  const holders: Holder[] = [];
  for (let age = 0; age < 1000; age++) {
    const holder = { openCalls: 0, capacity: 1, provisioned: false, seat: -1, rank: -1, age };
    holders.push(holder);
    slots.add(holder);
    // Two of three leave again, so that seats are free between those that stay.
    if (age % 3 > 0) slots.remove(holder);
  }
  for (let age = 0; age < 1000; age += 3) {
    const preferred = slots.preferred();
    assert.equal(preferred?.age, age);
    if (preferred !== undefined) slots.remove(preferred);
  }
  assert.equal(slots.preferred(), undefined);
});

test("OrderedBits.first() is the smallest member, over one and several levels", () => {
  for (const size of [1, 32, 33, 1024, 1025, 40_000]) {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: size - 1 })), { maxLength: 60 }), (steps) => {
        const bits = new OrderedBits(size);
        const members = new Set<number>();
        for (const [add, member] of steps) {
          if (add) {
            bits.add(member);
            members.add(member);
          } else {
            bits.delete(member);
            members.delete(member);
          }
          assert.equal(bits.first(), members.size === 0 ? -1 : Math.min(...members));
        }
      }),
    );
  }
});
