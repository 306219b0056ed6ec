import assert from "node:assert/strict";
import { test } from "node:test";
import { channelPair } from "../base/base.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { ToMain, ToWorker, UsageRecord } from "../model/model.ts";
import { usage } from "../store/testing/samples.ts";
import { Reports } from "./reports.ts";

/** A worker as the reports see it: what came to it. */
function worker(reports: Reports) {
  const [mainEnd, workerEnd] = channelPair<ToWorker, ToMain>();
  const got: UsageRecord[] = [];
  workerEnd.onMessage((message) => {
    if (message.type === "events") got.push(...message.usage);
  });
  mainEnd.onMessage((message) => {
    if (message.type === "usageStored") reports.usageStored(mainEnd, message.count);
  });
  return { got, mainEnd, stored: (count: number) => workerEnd.post({ type: "usageStored", count }) };
}

const starts = (records: readonly UsageRecord[]) => records.map(({ startMs }) => startMs);
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("Reports.usage: what a worker had not stored when it died comes to the next one, and nothing that it had", async () => {
  const clock = new FakeClock();
  const reports = new Reports(clock, () => undefined);
  const first = worker(reports);
  reports.setChannel(first.mainEnd);
  for (const start of [0, 1, 2]) reports.usage(usage("i", start, start + 1, 1));
  clock.advance(100);
  await turn();
  assert.deepEqual(starts(first.got), [0, 1, 2]);
  first.stored(2);
  await turn();
  reports.usage(usage("i", 3, 4, 1));
  clock.advance(100);
  reports.setChannel(undefined);
  reports.usage(usage("i", 4, 5, 1));
  clock.advance(100);
  const second = worker(reports);
  reports.setChannel(second.mainEnd);
  // The dead one's word comes late.
  first.stored(1);
  await turn();
  clock.advance(100);
  await turn();
  assert.deepEqual(starts(second.got), [2, 3, 4]);
  second.stored(3);
  await turn();
  const third = worker(reports);
  reports.setChannel(third.mainEnd);
  clock.advance(100);
  await turn();
  assert.deepEqual(third.got, []);
});

test("Reports.usage: while nothing is stored, what is kept here is bounded, and the count goes on rightly after it", async () => {
  const clock = new FakeClock();
  const reports = new Reports(clock, () => undefined);
  const slow = worker(reports);
  reports.setChannel(slow.mainEnd);
  for (let start = 0; start < 100_010; start += 1) reports.usage(usage("i", start, start + 1, 1));
  clock.advance(100);
  await turn();
  assert.equal(slow.got.length, 100_010);
  slow.stored(20);
  await turn();
  const next = worker(reports);
  reports.setChannel(next.mainEnd);
  clock.advance(100);
  await turn();
  assert.deepEqual([next.got.length, next.got[0]?.startMs], [99_990, 20]);
});
