import assert from "node:assert/strict";
import { test } from "node:test";
import { callLine, parseLogLine, platformEndedRecord } from "./call-line.ts";
import { fault } from "./faults.ts";
import { functionKey, type InstanceId } from "./ids.ts";
import type { CallEnded } from "./messages.ts";

const ended: CallEnded = {
  function: functionKey("s", "f"),
  requestId: "r",
  method: "/a.B/C",
  at: 5,
  durationMs: 60_000.4,
  grpcStatus: 13,
  instanceId: "c-1" as InstanceId,
  cause: undefined,
};

test("callLine equals what JSON.stringify makes of the record, for every path", () => {
  for (const method of ["/a.B/C", '/a"b\\c/\u00e4', "/"]) {
    for (const instanceId of [ended.instanceId, undefined]) {
      const { at, requestId, durationMs, grpcStatus } = ended;
      const start = { function: ended.function, at, source: "call", requestId, method, durationMs, grpcStatus };
      const whole = instanceId === undefined ? start : { ...start, instanceId };
      assert.equal(callLine({ ...ended, method, instanceId }), `${JSON.stringify(whole)}\n`);
    }
  }
  assert.match(callLine({ ...ended, durationMs: 0.123456 }), /"durationMs":0.123,/);
});

test("parseLogLine adds the text of a call, and leaves out what a crash left half written", () => {
  assert.equal(parseLogLine(callLine(ended))?.text, "/a.B/C ended with 13 INTERNAL after 60000 ms");
  assert.equal(parseLogLine(callLine({ ...ended, grpcStatus: 99 }))?.text, "/a.B/C ended with 99 99 after 60000 ms");
  assert.equal(parseLogLine('{"function":"s/f"'), undefined);
});

test("platformEndedRecord: a platform line with request id, method, cause and duration", () => {
  const record = platformEndedRecord({ ...ended, cause: fault("FunctionTimeout", "it ran too long") });
  const { text, ...rest } = record;
  assert.match(text, /^\/a\.B\/C ended with 13 INTERNAL after 60000 ms: FunctionTimeout: .*it ran too long$/);
  const { at, requestId, method, durationMs, grpcStatus, instanceId } = ended;
  const call = { function: ended.function, requestId, method, at, durationMs, grpcStatus, instanceId };
  assert.deepEqual(rest, { ...call, source: "platform", errorType: "FunctionTimeout" });
});
