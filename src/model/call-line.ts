/**
 * How an ended call stands in its function's log. Calls that the function ended itself are many: each is one line of
 * text from the moment it ends, so that only strings cross to the worker, and none of it is parsed on the way to disk.
 */
import { type Fault, GrpcStatus } from "./faults.ts";
import type { CallEnded } from "./messages.ts";
import type { LogRecord } from "./sluice-api.ts";

const statusNames = new Map<number, string>(Object.entries(GrpcStatus).map(([name, code]) => [code, name]));

/**
 * A call that the function ended, as a JSON line with its end: a LogRecord but for `text`, which `parseLogLine` adds.
 * Put together by hand, a third of the time of JSON.stringify; call-line.test.ts holds it against that.
 */
export function callLine(ended: CallEnded): string {
  const where = ended.instanceId === undefined ? "" : `,"instanceId":"${ended.instanceId}"`;
  return (
    `{"function":"${ended.function}","at":${ended.at},"source":"call","requestId":"${ended.requestId}",` +
    `"method":${JSON.stringify(ended.method)},"durationMs":${Math.round(ended.durationMs * 1000) / 1000},` +
    `"grpcStatus":${ended.grpcStatus}${where}}\n`
  );
}

/** A call that the platform ended, with its cause. */
export function platformEndedRecord(ended: CallEnded & { readonly cause: Fault }): LogRecord {
  const { cause, instanceId, ...call } = ended;
  return {
    ...call,
    source: "platform",
    text: `${textOf(ended)}: ${cause.errorType}: ${cause.message}`,
    errorType: cause.errorType,
    ...(instanceId !== undefined && { instanceId }),
  };
}

/** Reads a line of a log, whole or of `callLine`. Undefined for one that a crash left half written. */
export function parseLogLine(line: string): LogRecord | undefined {
  try {
    const record = JSON.parse(line) as LogRecord;
    return record.text === undefined && record.source === "call"
      ? { ...record, text: textOf(record as LogRecord & CallEnded) }
      : record;
  } catch {
    return undefined;
  }
}

function textOf({ method, grpcStatus, durationMs }: Pick<CallEnded, "method" | "grpcStatus" | "durationMs">): string {
  const status = statusNames.get(grpcStatus) ?? String(grpcStatus);
  return `${method} ended with ${grpcStatus} ${status} after ${Math.round(durationMs)} ms`;
}
