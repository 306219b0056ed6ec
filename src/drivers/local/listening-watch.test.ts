import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { judge, type Verdict, watchListening } from "./listening-watch.ts";

const socket = (address: string, port: number) => ({ address, port, inode: 1 });

test("judge: ready on all interfaces of either family, whatever else listens", () => {
  assert.deepEqual(judge([socket("127.0.0.1", 6060), socket("0.0.0.0", 9000)], 9000), { kind: "ready" });
  assert.deepEqual(judge([socket("::", 9000)], 9000), { kind: "ready" });
  assert.deepEqual(judge([], 9000), { kind: "silent" });
});

test("judge: names the address, or the ports, when it listens elsewhere", () => {
  const reason = (verdict: Verdict) => (verdict.kind === "elsewhere" ? verdict.reason : verdict.kind);
  assert.equal(reason(judge([socket("::1", 9000)], 9000)), "it listens on ::1:9000 only: listen on 0.0.0.0:9000");
  assert.equal(
    reason(judge([socket("::", 7), socket("::", 50051), socket("0.0.0.0", 7)], 9000)),
    "it listens on 7, 50051, but caPort is 9000",
  );
});

/** A watch over a verdict that the test changes. */
function watching(limitMs: number) {
  const clock = new FakeClock();
  const seen = { verdict: { kind: "silent" } as Verdict, looks: 0, ends: 0, events: [] as string[] };
  const end = watchListening({
    clock,
    limitMs,
    spentMs: 0,
    wrongListenGraceMs: 2_000,
    look: () => {
      seen.looks += 1;
      return seen.verdict;
    },
    onEnd: () => {
      seen.ends += 1;
    },
    onReady: () => seen.events.push(`ready ${clock.nowMs()}`),
    onFailed: (reason) => seen.events.push(`${reason} ${clock.nowMs()}`),
  });
  return { clock, seen, end };
}

test("watchListening: notices within a millisecond or two at first, and looks seldom later", () => {
  const quick = watching(120_000);
  quick.clock.advance(7.5);
  quick.seen.verdict = { kind: "ready" };
  quick.clock.advance(2);
  assert.deepEqual(quick.seen.events, ["ready 8"]);
  assert.equal(quick.clock.pendingCount, 0);

  const slow = watching(120_000);
  slow.clock.advance(119_000);
  assert.ok(slow.seen.looks < 2_100, `${slow.seen.looks} looks`);
});

test("watchListening: fails at the limit when nothing listens", () => {
  const { clock, seen } = watching(120_000);
  clock.advance(119_999);
  assert.deepEqual(seen.events, []);
  clock.advance(1);
  assert.deepEqual(seen.events, ["it did not listen within 120 s 120000"]);
  assert.equal(seen.ends, 1);
  assert.equal(clock.pendingCount, 0);
});

test("watchListening: fails after the grace of one and the same wrong verdict; a change begins it anew", () => {
  const { clock, seen } = watching(120_000);
  seen.verdict = { kind: "elsewhere", reason: "it listens on 1" };
  clock.advance(1_900);
  seen.verdict = { kind: "elsewhere", reason: "it listens on 1, 2" };
  clock.advance(1_900);
  assert.deepEqual(seen.events, []);
  clock.advance(200);
  assert.equal(seen.events.length, 1);
  assert.match(seen.events[0]!, /^it listens on 1, 2 3[89]\d\d/);
});

test("watchListening: ended, it looks no more and tells nothing", () => {
  const { clock, seen, end } = watching(1_000);
  end();
  end();
  clock.advance(2_000);
  assert.deepEqual(seen.events, []);
  assert.equal(seen.looks, 1);
  assert.equal(seen.ends, 1);
});
