import { type ErrorType, faultTable, GrpcStatus } from "../../../src/model/model.ts";
import type { CallResult } from "./client-process.ts";
import { EVIL_MODES } from "./evil-modes.ts";
import { type Excuse, excusesOf } from "./excuses.ts";
import type { Happened } from "./injector.ts";
import { repliesOf, type ScheduledCall } from "./schedule.ts";

/** A gateway and a client count a deadline from different moments. */
const DEADLINE_SLACK_MS = 60;
/** A call may end this long before the client's clock says that it was cancelled. */
const CANCEL_SLACK_MS = 5;

/** What is known of a call beside its result: where it ran. */
export type InstanceOf = (id: string) => string | undefined;

/** Everything that is wrong with how calls ended; empty: nothing. */
export function checkCalls(
  scheduled: readonly ScheduledCall[],
  results: readonly CallResult[],
  happened: readonly Happened[],
  instanceOf: InstanceOf,
): string[] {
  const calls = new Map(scheduled.map((call) => [call.id, call]));
  const excuses = excusesOf(happened, calls, results);
  const problems: string[] = [];
  const ended = new Set<string>();
  for (const result of results) {
    const call = calls.get(result.id);
    if (call === undefined || ended.has(result.id)) {
      problems.push(`${result.id} ended twice, or was never made`);
      continue;
    }
    ended.add(result.id);
    const problem =
      result.code === "OK" ? problemOfOk(call, result) : problemOfError(call, result, excuses, instanceOf);
    if (problem !== undefined) problems.push(`${describe(call, result)}: ${problem}`);
  }
  for (const id of calls.keys()) if (!ended.has(id)) problems.push(`${id} never ended`);
  return problems;
}

/** An OK without everything that belongs to it. */
function problemOfOk(call: ScheduledCall, result: CallResult): string | undefined {
  const mode = EVIL_MODES[call.metadata["x-evil"] ?? ""];
  if (mode?.ok === false || call.metadata["x-exit"] !== undefined) return "OK, though the function never said so";
  if (result.messages !== repliesOf(call)) return `OK with ${result.messages} of ${repliesOf(call)} replies`;
  return result.matches ? undefined : "OK with replies that are not what was sent";
}

function problemOfError(
  call: ScheduledCall,
  result: CallResult,
  excuses: readonly Excuse[],
  instanceOf: InstanceOf,
): string | undefined {
  if (result.errorType === undefined) return isOwnDoing(call, result) ? undefined : "nobody is to blame for it";
  const type = result.errorType as ErrorType;
  if (type === "ClientDeadline") return isOwnDoing(call, result) ? undefined : "its deadline had not passed";
  if (!result.requestId) return "it has no request id";
  if (!statusesOf(type).includes(result.code)) return "the status is not that of the table";
  const mode = EVIL_MODES[call.metadata["x-evil"] ?? ""];
  if (mode?.errors.includes(type)) return undefined;
  if (call.metadata["x-exit"] !== undefined && type === "FunctionExited") return undefined;
  const there = instanceOf(call.id);
  const excused = excuses.some(
    (excuse) =>
      excuse.role === call.role &&
      excuse.errors.includes(type) &&
      (excuse.words?.test(result.message ?? "") ?? true) &&
      result.startedAt <= excuse.untilAt &&
      result.endedAt >= excuse.fromAt &&
      (excuse.instanceId === undefined || there === undefined || there === excuse.instanceId),
  );
  return excused ? undefined : "no fault was in force that explains it";
}

/** The client's or the function's own end: what they wanted. */
function isOwnDoing(call: ScheduledCall, { code, startedAt, endedAt, messages }: CallResult): boolean {
  const tookMs = endedAt - startedAt;
  if (code === "DEADLINE_EXCEEDED") {
    return call.deadlineMs !== undefined && tookMs >= call.deadlineMs - DEADLINE_SLACK_MS;
  }
  if (code === "CANCELLED") {
    if (call.cancelAfterMessages !== undefined && messages >= call.cancelAfterMessages) return true;
    return call.cancelAfterMs !== undefined && tookMs >= call.cancelAfterMs - CANCEL_SLACK_MS;
  }
  return EVIL_MODES[call.metadata["x-evil"] ?? ""]?.ownStatus === code;
}

/** Names of the statuses that go with an error type. */
function statusesOf(type: ErrorType): string[] {
  const row = faultTable[type] as (typeof faultTable)[ErrorType] | undefined;
  if (row === undefined) return [];
  const codes = type === "FunctionReset" ? [1, 7, 8, 13, 14] : [row.grpcStatus];
  return Object.entries(GrpcStatus)
    .filter(([, code]) => codes.includes(code))
    .map(([name]) => name);
}

function describe(call: ScheduledCall, result: CallResult): string {
  const wanted = { ...call.metadata, deadlineMs: call.deadlineMs, cancelAfterMs: call.cancelAfterMs };
  const took = `${Math.round(result.endedAt - result.startedAt)} ms from ${new Date(result.startedAt).toISOString()}`;
  const got = [result.code, result.errorType, result.message].filter(Boolean).join(" ");
  return `${call.id} (${call.kind} ${JSON.stringify(wanted)}) ended after ${took} with ${got}`;
}
