import { type CallEnded, GrpcStatus, type LogLine, type LogRecord } from "../../model/model.ts";

const statusNames = new Map<number, string>(Object.entries(GrpcStatus).map(([name, code]) => [code, name]));

/** A line that a function or the platform wrote. */
export function recordOfLine(line: LogLine): LogRecord {
  return {
    function: line.function,
    at: line.at,
    source: line.source,
    text: line.text,
    ...(line.instanceId !== undefined && { instanceId: line.instanceId }),
    ...(line.requestId !== undefined && { requestId: line.requestId }),
  };
}

/** A call that ended: by the platform with its cause, or by the function. */
export function recordOfCall(call: CallEnded): LogRecord {
  const status = statusNames.get(call.grpcStatus) ?? String(call.grpcStatus);
  const ending = `${call.method} ended with ${call.grpcStatus} ${status} after ${Math.round(call.durationMs)} ms`;
  const cause = call.errorType === undefined ? "" : `: ${call.errorType}: ${call.message ?? ""}`;
  return {
    function: call.function,
    at: call.at,
    source: call.errorType === undefined ? "call" : "platform",
    text: ending + cause,
    requestId: call.requestId,
    method: call.method,
    durationMs: call.durationMs,
    grpcStatus: call.grpcStatus,
    ...(call.errorType !== undefined && { errorType: call.errorType }),
    ...(call.instanceId !== undefined && { instanceId: call.instanceId }),
  };
}
