/** What an invoker is told of an answer, or of a fault (Function Compute, "Error handling" of InvokeFunction). Pure. */
import { type Fault, faultTable, type InvocationAnswer, type InvocationRun } from "../../model/model.ts";
import { ApiError, type ApiErrorCode } from "../api-error.ts";

/** A body for the invoker. Also where the function failed the status is 200, and `errorType` says so. */
export interface InvocationReply {
  readonly contentType: string;
  readonly body: Uint8Array;
  /** `X-Fc-Error-Type`: the function said itself that it failed, or the platform saw it fail. */
  readonly errorType?: "HandledInvocationError" | "UnhandledInvocationError";
}

/** What the words of a fault need beside it. */
export interface InvokedFunction {
  /** Seconds. */
  readonly timeout: number;
  /** Of the instance, where it is known. */
  readonly memoryUsedMb: number | undefined;
}

const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";

const WITHOUT_INVOKE =
  "the function serves gRPC and no POST /invoke: call it by gRPC, at the host of its http trigger or a custom domain";

/** Throws an ApiError where no instance ran the event, or its answer cannot be passed on. */
export function replyOf(answer: InvocationAnswer, invoked: InvokedFunction): InvocationReply {
  if (answer.kind === "fault") return faultReply(answer.fault, answer.run, invoked);
  if (answer.isGrpc) return failure(WITHOUT_INVOKE, "BadResponse");
  const reply = { contentType: answer.contentType || BYTES, body: answer.body };
  return isSuccess(answer) ? reply : { ...reply, errorType: "HandledInvocationError" };
}

/** The HTTP status counts, and what the function says of itself in `x-fc-status`. */
function isSuccess({ httpStatus, fcStatus }: Extract<InvocationAnswer, { kind: "answered" }>): boolean {
  const statuses = fcStatus === "" ? [httpStatus] : [httpStatus, Number(fcStatus)];
  return statuses.every((status) => status >= 200 && status < 300);
}

function faultReply(fault: Fault, run: InvocationRun | undefined, invoked: InvokedFunction): InvocationReply {
  const { errorType, message } = fault;
  switch (errorType) {
    case "FunctionTimeout":
      return failure(`Function time out after ${invoked.timeout} seconds ${measures(run, invoked)}`, errorType);
    case "FunctionExited":
    case "FunctionOOM": {
      const cause = message.slice(faultTable[errorType].begins.length);
      const words = `Process exited unexpectedly before completing request ${measures(run, invoked)}: ${cause}`;
      return failure(words, errorType);
    }
    case "FunctionUnresponsive":
    case "FunctionReset":
      return failure(message, errorType);
    default:
      throw apiErrorOf(fault);
  }
}

/** As Function Compute writes them behind its messages. */
function measures(run: InvocationRun | undefined, { memoryUsedMb }: InvokedFunction): string {
  const memory = memoryUsedMb === undefined ? "" : `, maxMemoryUsage: ${memoryUsedMb}MB`;
  return `(duration: ${Math.ceil(run?.durationMs ?? 0)}ms${memory})`;
}

function failure(errorMessage: string, errorType: string): InvocationReply {
  const body = Buffer.from(JSON.stringify({ errorMessage, errorType, stackTrace: [] }));
  return { contentType: JSON_TYPE, body, errorType: "UnhandledInvocationError" };
}

/** Where there is no answer of the function's. */
function apiErrorOf({ errorType, message }: Fault): ApiError {
  switch (errorType) {
    case "CAFileNotFound":
    case "CAFilePermission":
    case "CAExited":
    case "FunctionNotStarted":
    case "InitializeFailed":
    case "HealthCheckFailed":
    case "NotHttp2":
    case "BadResponse":
      return new ApiError(errorType satisfies ApiErrorCode, message);
    case "ResourceExhausted":
    case "StalledUnderPressure":
    case "HeadersTooLarge":
      return new ApiError("ResourceExhausted", message, { status: 429 });
    case "Internal":
      return new ApiError("InternalServerError", message);
    default:
      return new ApiError("ServiceUnavailable", message);
  }
}
