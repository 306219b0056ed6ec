import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { OpenStream } from "./stream.ts";
import { StreamMap } from "./stream-map.ts";

/** The map looks at nothing but the id. */
const streamOf = (id: number): OpenStream => ({ id }) as OpenStream;

describe("StreamMap", () => {
  it("holds the same streams as a Map, whatever comes, stays and leaves", () => {
    const ids = fc.oneof(
      fc.nat(40).map((n) => n * 2 + 1),
      fc.nat(2 ** 30 - 1).map((n) => n * 2 + 1),
      fc.nat(20).map((n) => n * 2 ** 11 + 1),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), ids), { maxLength: 400 }), (steps) => {
        const [map, expected] = [new StreamMap(), new Map<number, OpenStream>()];
        for (const [comes, id] of steps) {
          const known = expected.get(id);
          if (comes && known === undefined) {
            const stream = streamOf(id);
            map.add(stream);
            expected.set(id, stream);
          } else if (!comes) {
            assert.equal(map.delete(known ?? streamOf(id)), known !== undefined);
            expected.delete(id);
          }
          assert.equal(map.size, expected.size);
          assert.equal(map.get(id), expected.get(id));
        }
        assert.deepEqual(new Set(map.all()), new Set(expected.values()));
        for (const [id, stream] of expected) assert.equal(map.get(id), stream);
      }),
    );
  });

  it("gives its room back when a busy time is over", () => {
    const map = new StreamMap();
    const streams = Array.from({ length: 1_000 }, (_, index) => streamOf(index * 2 + 1));
    for (const stream of streams) map.add(stream);
    for (const stream of streams) assert.ok(map.delete(stream));
    assert.equal(map.size, 0);
    assert.deepEqual(map.all(), []);
    map.add(streamOf(2_001));
    assert.equal(map.get(2_001)?.id, 2_001);
    assert.equal(map.get(1), undefined);
  });
});
