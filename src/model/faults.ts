/**
 * The one table of what can go wrong with a call by the platform's hand, and what its caller is told: the gRPC status,
 * the stable `x-fc-error-type`, how the message begins, and whose fault it was. docs/errors.md is generated from it.
 */

/** gRPC status codes (gRPC core concepts, "Status codes and their use in gRPC"). */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus];

/** Who has to do something about it. */
export type Culprit = "caller" | "function" | "platform";

/** One row of the table. */
export interface FaultRow {
  readonly grpcStatus: GrpcStatus;
  /** HTTP status for a request that is not gRPC. */
  readonly httpStatus: number;
  readonly culprit: Culprit;
  /** How the message begins; the cause follows. */
  readonly begins: string;
  /** What happened, for the manual. */
  readonly meaning: string;
}

/** What Function Compute's users know for every fault of a function (its page on gRPC functions, FAQ). */
const NO_TRAILERS = "server closed the stream without sending trailers: ";
const NOT_STARTED = "function instance did not start: ";

function functionFault(meaning: string): FaultRow {
  return { grpcStatus: GrpcStatus.INTERNAL, httpStatus: 502, culprit: "function", begins: NO_TRAILERS, meaning };
}

function startFault(meaning: string): FaultRow {
  return { grpcStatus: GrpcStatus.UNAVAILABLE, httpStatus: 503, culprit: "function", begins: NOT_STARTED, meaning };
}

function row(grpcStatus: GrpcStatus, httpStatus: number, culprit: Culprit, meaning: string): FaultRow {
  return { grpcStatus, httpStatus, culprit, begins: "", meaning };
}

/** Keyed by `x-fc-error-type`. */
export const faultTable = {
  FunctionTimeout: functionFault("the call ran longer than the function's timeout"),
  FunctionExited: functionFault("the instance exited or was killed, or its connection was lost with calls on it"),
  FunctionOOM: functionFault("the instance used more than its memorySize"),
  BadResponse: functionFault("the function ended the call without trailers, malformed, or with headers over the limit"),
  FunctionUnresponsive: functionFault("the instance stopped answering PING"),
  FunctionReset: {
    grpcStatus: GrpcStatus.INTERNAL,
    httpStatus: 502,
    culprit: "function",
    begins: "",
    meaning: "the function reset the stream; the status follows the gRPC mapping of the RST_STREAM code",
  },
  CAFileNotFound: startFault("package or image hold no file for the start command (by default ./bootstrap)"),
  CAFilePermission: startFault("the start command is not executable"),
  CAExited: startFault("the program exited before it listened, or is made for another system or CPU"),
  FunctionNotStarted: startFault(
    "the program did not listen on caPort in time, or listens elsewhere; or its image or a container engine is not there",
  ),
  InitializeFailed: startFault("/initialize failed or took too long"),
  HealthCheckFailed: startFault("the health check failed"),
  NotHttp2: startFault("what listens on caPort does not speak HTTP/2"),
  ClientDeadline: row(GrpcStatus.DEADLINE_EXCEEDED, 504, "caller", "the client's deadline passed at the gateway"),
  ClientCancelled: row(GrpcStatus.CANCELLED, 499, "caller", "the client went away (log and bill only)"),
  ResourceExhausted: row(
    GrpcStatus.RESOURCE_EXHAUSTED,
    429,
    "caller",
    "a limit of concurrency, instances or queue was reached, or the wait in the queue was over",
  ),
  StalledUnderPressure: row(
    GrpcStatus.RESOURCE_EXHAUSTED,
    429,
    "caller",
    "the call stood still while the gateway was short of memory",
  ),
  HeadersTooLarge: row(GrpcStatus.RESOURCE_EXHAUSTED, 431, "caller", "the request's headers are over the limit"),
  RouteNotFound: row(GrpcStatus.UNIMPLEMENTED, 404, "caller", "no route for this host and path"),
  MethodNotAllowed: row(GrpcStatus.UNIMPLEMENTED, 405, "caller", "the trigger does not allow POST"),
  AccessDenied: row(
    GrpcStatus.PERMISSION_DENIED,
    403,
    "caller",
    "the trigger's internet URL is disabled, or (as UNAUTHENTICATED) the signature is missing or wrong",
  ),
  Misdirected: row(GrpcStatus.UNAVAILABLE, 421, "caller", "the certificate shown does not cover the authority"),
  Unavailable: row(GrpcStatus.UNAVAILABLE, 503, "platform", "Sluice is draining, or has no room to start an instance"),
  Internal: row(GrpcStatus.INTERNAL, 500, "platform", "a bug of Sluice"),
} as const satisfies Record<string, FaultRow>;

/** The stable token of a fault, as callers see it in `x-fc-error-type`. */
export type ErrorType = keyof typeof faultTable;

/** A call's end by the platform's hand. `grpcStatus` differs from the table's only for FunctionReset and AccessDenied. */
export interface Fault {
  readonly errorType: ErrorType;
  readonly grpcStatus: GrpcStatus;
  /** The whole message: the table's beginning, then the cause. */
  readonly message: string;
}

/** The fault of a row with its cause in words. */
export function fault(errorType: ErrorType, cause: string, grpcStatus?: GrpcStatus): Fault {
  const entry: FaultRow = faultTable[errorType];
  return { errorType, grpcStatus: grpcStatus ?? entry.grpcStatus, message: entry.begins + cause };
}

/** A fault where code throws; the same table serves both. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(cause.message);
    this.name = "FaultError";
    this.fault = cause;
  }
}
