import assert from "node:assert/strict";
import { test } from "node:test";
import { fault } from "../../model/model.ts";
import { BackOff } from "./back-off.ts";

const cause = fault("CAExited", "exited with code 1");

test("BackOff doubles its pauses up to the longest, and forgets them when a start works", () => {
  const backOff = new BackOff(1000, 60_000);
  assert.equal(backOff.stateAt(0), "off");
  let nowMs = 0;
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    backOff.failed(cause, nowMs, nowMs);
    assert.equal(backOff.endsAt - nowMs, seconds * 1000);
    assert.equal(backOff.stateAt(backOff.endsAt - 1), "paused");
    assert.equal(backOff.stateAt(backOff.endsAt), "trying");
    nowMs = backOff.endsAt;
  }
  backOff.worked();
  assert.equal(backOff.stateAt(nowMs), "off");
  backOff.failed(cause, nowMs, nowMs);
  assert.equal(backOff.endsAt - nowMs, 1000);
});

test("BackOff counts starts that ran side by side as one failure, however far apart they fail", () => {
  const backOff = new BackOff(1000, 60_000);
  backOff.failed(cause, 0, 500);
  backOff.failed(cause, 100, 600);
  backOff.failed(cause, 0, 90_000);
  assert.equal(backOff.endsAt, 1500);
});

test("BackOff.refusal() gives the failure and when it is tried again, while the pause lasts", () => {
  const backOff = new BackOff(1000, 60_000);
  assert.equal(backOff.refusal(0), undefined);
  backOff.failed(cause, 0, 0);
  assert.equal(
    backOff.refusal(400)?.message,
    "function instance did not start: exited with code 1 (tried again in 1 s)",
  );
  assert.equal(backOff.refusal(1000), undefined);
});
