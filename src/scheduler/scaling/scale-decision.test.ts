import assert from "node:assert/strict";
import { test } from "node:test";
import { decideStarts, type ScaleObservation } from "./scale-decision.ts";

const roomy: ScaleObservation = {
  waitingCalls: 0,
  comingInstances: 0,
  missingProvisioned: 0,
  asleepInstances: 0,
  instances: 0,
  callsPerInstance: 3,
  aboveSoftConcurrency: false,
  backOff: "off",
  functionInstancesMax: undefined,
  accountInstancesLeft: 100,
  growthLeft: 100,
  hostMemoryLeftMb: 10_000,
  memoryMb: 512,
};

function decide(seen: Partial<ScaleObservation>) {
  return decideStarts({ ...roomy, ...seen });
}

test("decideStarts starts what the queue needs beyond the instances that come anyway", () => {
  assert.equal(decide({}).start, 0);
  assert.equal(decide({ waitingCalls: 1 }).start, 1);
  assert.equal(decide({ waitingCalls: 3 }).start, 1);
  assert.equal(decide({ waitingCalls: 4 }).start, 2);
  assert.equal(decide({ waitingCalls: 7, comingInstances: 2 }).start, 1);
  assert.equal(decide({ waitingCalls: 1, comingInstances: 5 }).start, 0);
});

test("decideStarts starts one early above instanceSoftConcurrency, unless one comes", () => {
  assert.equal(decide({ aboveSoftConcurrency: true }).start, 1);
  assert.equal(decide({ aboveSoftConcurrency: true, comingInstances: 1 }).start, 0);
});

test("decideStarts names the tightest limit", () => {
  const waitingCalls = 30;
  assert.deepEqual(decide({ waitingCalls, instances: 3, functionInstancesMax: 5 }), {
    wake: 0,
    start: 2,
    limitedBy: "function",
  });
  assert.deepEqual(decide({ waitingCalls, accountInstancesLeft: 4 }), { wake: 0, start: 4, limitedBy: "account" });
  assert.deepEqual(decide({ waitingCalls, growthLeft: 4 }), { wake: 0, start: 4, limitedBy: "growth" });
  assert.deepEqual(decide({ waitingCalls, accountInstancesLeft: -1 }), { wake: 0, start: 0, limitedBy: "account" });
  assert.deepEqual(decide({ waitingCalls, hostMemoryLeftMb: 1535 }), { wake: 0, start: 2, limitedBy: "host" });
  assert.deepEqual(decide({ waitingCalls, functionInstancesMax: 4, accountInstancesLeft: 2 }), {
    wake: 0,
    start: 2,
    limitedBy: "account",
  });
  assert.deepEqual(decide({ waitingCalls }), { wake: 0, start: 10, limitedBy: undefined });
});

test("decideStarts pauses after failed starts, then tries one at a time until one works", () => {
  const waitingCalls = 30;
  assert.deepEqual(decide({ waitingCalls, backOff: "paused" }), { wake: 0, start: 0, limitedBy: "backOff" });
  assert.equal(decide({ waitingCalls, backOff: "trying" }).start, 1);
  assert.equal(decide({ waitingCalls, backOff: "trying", comingInstances: 1 }).start, 0);
});

test("decideStarts wakes those that are asleep before it starts any, whatever the limits", () => {
  assert.deepEqual(decide({ waitingCalls: 4, asleepInstances: 1 }), { wake: 1, start: 1, limitedBy: undefined });
  assert.deepEqual(decide({ waitingCalls: 4, asleepInstances: 5, accountInstancesLeft: 0 }), {
    wake: 2,
    start: 0,
    limitedBy: undefined,
  });
  const asSpare = { wake: 0, start: 0, limitedBy: undefined };
  assert.deepEqual(decide({ aboveSoftConcurrency: true, asleepInstances: 1 }), asSpare);
});

test("decideStarts starts provisioned instances within all limits but that of growth, and they serve calls too", () => {
  assert.equal(decide({ missingProvisioned: 3 }).start, 3);
  assert.equal(decide({ missingProvisioned: 3, waitingCalls: 3 }).start, 3);
  assert.equal(decide({ missingProvisioned: 1, waitingCalls: 30 }).start, 10);
  assert.equal(decide({ missingProvisioned: 3, growthLeft: 0 }).start, 3);
  assert.deepEqual(decide({ missingProvisioned: 3, functionInstancesMax: 2 }).limitedBy, "function");
  assert.equal(decide({ missingProvisioned: 3, backOff: "paused" }).start, 0);
});
