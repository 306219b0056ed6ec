import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Roster } from "./base.ts";

class Member {
  rosterPlace = -1;
}

describe("Roster", () => {
  it("holds the same members as a Set, whatever enters and leaves", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 200 }), (steps) => {
        const members = Array.from({ length: 21 }, () => new Member());
        const [roster, expected] = [new Roster<Member>(), new Set<Member>()];
        for (const [enters, index] of steps) {
          const member = members[index] as Member;
          if (!enters) roster.leave(member);
          else if (!expected.has(member)) roster.enter(member);
          if (enters) expected.add(member);
          else expected.delete(member);
          assert.equal(roster.size, expected.size);
          assert.deepEqual(new Set(roster.all()), expected);
        }
      }),
    );
  });

  it("refuses a member that is there already", () => {
    const [roster, member] = [new Roster<Member>(), new Member()];
    roster.enter(member);
    assert.throws(() => roster.enter(member), /twice/);
  });
});
