/** What the chaos test would not let pass: each rule of its checker, broken once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord } from "../../src/client/client.ts";
import { functionKey, type InstanceId } from "../../src/model/model.ts";
import { checkCalls } from "./support/check-calls.ts";
import { checkExecutions, checkUsage } from "./support/check-executions.ts";
import type { CallResult } from "./support/client-process.ts";
import { Executions } from "./support/executions.ts";
import type { Happened } from "./support/injector.ts";
import { makeSchedule, type ScheduledCall } from "./support/schedule.ts";

const CALL: ScheduledCall = {
  id: "killed-1",
  role: "killed",
  atMs: 0,
  kind: "serverStream",
  connection: 0,
  payloadBytes: 10,
  messages: 1,
  metadata: { "x-repeat": "3" },
};
const OK: CallResult = {
  id: CALL.id,
  dueAt: 1000,
  startedAt: 1000,
  endedAt: 1100,
  code: "OK",
  requestId: "request-1",
  messages: 3,
  matches: true,
};
const EXITED = { ...OK, code: "INTERNAL", errorType: "FunctionExited", messages: 1 };
const KILL: Happened = {
  disturbance: { kind: "kill", role: "killed", atMs: 0, pick: 0 },
  fromAt: 1050,
  untilAt: 1060,
  instanceId: "c-1",
};

function problemsOf(results: readonly CallResult[], happened: readonly Happened[] = [], call = CALL): string {
  return checkCalls([call], results, happened, () => "c-1").join("\n");
}

test("a call that ends once, whole, or with a reason that was in force, is right", () => {
  assert.equal(problemsOf([OK]), "");
  assert.equal(problemsOf([EXITED], [KILL]), "");
  assert.equal(problemsOf([{ ...OK, code: "CANCELLED", endedAt: 1200 }], [], { ...CALL, cancelAfterMs: 200 }), "");
});

for (const [what, results, happened, words] of [
  ["no answer", [], [], /never ended/],
  ["two answers", [OK, OK], [], /ended twice/],
  ["an answer to what was not asked", [OK, { ...OK, id: "killed-2" }], [], /never made/],
  ["an OK that is cut short", [{ ...OK, messages: 2 }], [], /OK with 2 of 3 replies/],
  ["an OK with too much", [{ ...OK, messages: 4 }], [], /OK with 4 of 3 replies/],
  ["an OK with wrong bytes", [{ ...OK, matches: false }], [], /not what was sent/],
  ["an error without a cause", [EXITED], [], /no fault was in force/],
  ["an error long after its cause", [{ ...EXITED, startedAt: 1700, endedAt: 1800 }], [KILL], /no fault was in force/],
  ["an error of another instance's", [EXITED], [{ ...KILL, instanceId: "c-2" }], /no fault was in force/],
  ["a status that is not the fault's", [{ ...EXITED, code: "UNAVAILABLE" }], [KILL], /not that of the table/],
  ["an error without a request id", [{ ...EXITED, requestId: "" }], [KILL], /no request id/],
  ["an end that nobody wanted", [{ ...OK, code: "CANCELLED" }], [], /nobody is to blame/],
  ["a deadline that it did not have", [{ ...OK, code: "DEADLINE_EXCEEDED" }], [], /nobody is to blame/],
] as const) {
  test(`${what} is a problem`, () => {
    assert.match(problemsOf(results, happened), words);
  });
}

test("a memory fault may show as a closed connection, and as no other end of the instance", () => {
  const call: ScheduledCall = { ...CALL, role: "growing" };
  const closed = { ...EXITED, message: "the function closed the connection with the call on it" };
  assert.equal(problemsOf([closed], [], call), "");
  const killed = { ...EXITED, message: "the instance was killed by SIGKILL during the call" };
  assert.match(problemsOf([killed], [], call), /no fault was in force/);
});

const FUNCTION = functionKey("chaos", "killed");

function printed(text: string, instanceId = "c-1"): LogRecord {
  return { function: FUNCTION, at: 1000, source: "stdout", text, instanceId: instanceId as InstanceId };
}
const CALL_LINE: LogRecord = { function: FUNCTION, at: 1100, source: "call", text: "", requestId: "request-1" };
const RAN = [printed("start killed-1 1010"), printed("end killed-1 0 1090"), CALL_LINE];

function executed(records: readonly LogRecord[]): Executions {
  const executions = new Executions();
  for (const record of records) executions.add(record);
  return executions;
}

test("at most one execution, within the slots, with one line of its end", () => {
  const check = (records: readonly LogRecord[], result = OK) =>
    checkExecutions([CALL], [result], executed(records)).join("\n");
  assert.equal(check(RAN), "");
  assert.match(check([...RAN, printed("start killed-1 1020", "c-2")]), /ran 2 times, on c-1 and c-2/);
  assert.equal(check([...RAN, printed("start killed-1 1020", "c-2"), printed("unseen killed-1")]), "");
  assert.match(check([CALL_LINE]), /is OK, and never ran/);
  assert.match(check(RAN, { ...OK, peakCalls: 11 }), /had 11 calls at once, and may have 10/);
  assert.match(check([...RAN, CALL_LINE]), /2 lines of the log/);
  assert.match(check(RAN.slice(0, 2)), /0 lines of the log/);
});

test("busy time lies between what functions and clients saw, and each call is billed once", () => {
  const check = (busyMs: number, calls: number) => {
    const total = { function: FUNCTION, memoryMb: 128, busyMs, calls, firstAt: 1000, lastAt: 1000 };
    return checkUsage("killed", total, [OK], executed(RAN)).join("\n");
  };
  assert.equal(check(90, 1), "");
  assert.match(check(50, 1), /busy for 78 ms at least/);
  assert.match(check(150, 1), /busy for 102 ms at most/);
  assert.match(check(90, 2), /2 calls are billed, 1 ran/);
});

test("a seed gives one plan of about 500 calls a second, and another seed another", () => {
  const plan = makeSchedule(7, 10);
  assert.deepEqual(makeSchedule(7, 10), plan);
  assert.notDeepEqual(makeSchedule(8, 10), plan);
  assert.ok(plan.calls.length > 4000 && plan.calls.length < 6000, `${plan.calls.length} calls`);
});
