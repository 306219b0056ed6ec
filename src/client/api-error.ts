/** Code of an ApiError where no answer came. */
export const UNREACHABLE = "Unreachable";
/** Code of an ApiError where the server is not known to be the one that is meant: nothing was sent to it. */
export const UNTRUSTED = "Untrusted";

/** An API request that failed: the server's answer, or that there was none. */
export class ApiError extends Error {
  /** Function Compute's error code, such as `FunctionNotFound`; `Unreachable` where no answer came. */
  readonly code: string;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** The server's id of the request; empty where no answer came. */
  readonly requestId: string;

  constructor(
    answer: { readonly code: string; readonly message: string; readonly status: number; readonly requestId: string },
    options?: ErrorOptions,
  ) {
    super(answer.message, options);
    this.name = "ApiError";
    this.code = answer.code;
    this.status = answer.status;
    this.requestId = answer.requestId;
  }
}

/** The error of an answer with a status of 400 or more; Function Compute writes its codes in two spellings. */
export function errorOfAnswer(status: number, requestId: string, body: string): ApiError {
  let fields: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null) fields = parsed as Record<string, unknown>;
  } catch {
    // Not of our API: a proxy between, or another server on this port. The text itself is the message.
  }
  const code = fields["Code"] ?? fields["ErrorCode"] ?? `Http${status}`;
  const message = fields["Message"] ?? fields["ErrorMessage"] ?? (body.trim().slice(0, 300) || `HTTP status ${status}`);
  return new ApiError({ code: String(code), message: String(message), status, requestId });
}

/** Whether `error` says that the thing asked for is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
