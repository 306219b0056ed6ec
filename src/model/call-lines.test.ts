import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { callLine } from "./call-line.ts";
import { CallLines } from "./call-lines.ts";
import { functionKey, type InstanceId } from "./ids.ts";
import type { CallEnded } from "./messages.ts";

const KEY = functionKey("s", "f");

const call: fc.Arbitrary<CallEnded> = fc.record({
  function: fc.constant(KEY),
  requestId: fc.constantFrom("r", "0b6d2c1e-8f1a-4a5b-9c3d-2e1f0a9b8c7d"),
  method: fc.constantFrom("/a.B/C", '/a"b\\c/\u00e4', "/"),
  at: fc.oneof(fc.nat(3), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_002 })),
  durationMs: fc.oneof(
    fc.double({ min: 0, max: 100_000_000, noNaN: true }),
    fc.nat(2_000_000).map((n) => n / 1000),
  ),
  grpcStatus: fc.oneof(fc.nat(20), fc.nat(2 ** 31 - 1)),
  instanceId: fc.constantFrom(undefined, "c-1" as InstanceId, "c-2" as InstanceId),
  cause: fc.constant(undefined),
});

describe("CallLines", () => {
  it("gathers the very lines that callLine makes", () => {
    const lines = new CallLines(KEY);
    fc.assert(
      fc.property(fc.array(call, { maxLength: 50 }), (calls) => {
        for (const each of calls) lines.append(each);
        const taken = lines.take();
        assert.equal(Buffer.from(taken.lines).toString("utf8"), calls.map(callLine).join(""));
        assert.equal(taken.count, calls.length);
        assert.equal(lines.count, 0);
      }),
    );
  });
});
