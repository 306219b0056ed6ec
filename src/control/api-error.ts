/** What the API refuses, and how: Function Compute's codes and their HTTP statuses (its page "Error codes"). */
import { StoreError } from "../model/model.ts";
import { PackageError } from "./code/package-error.ts";

/** HTTP status of each code. */
export const apiErrorStatus = {
  InvalidArgument: 400,
  MissingRequiredHeader: 400,
  PathNotSupported: 400,
  EntityTooLarge: 400,
  AdditionalVersionContainsMajorVersion: 400,
  SignatureNonceUsed: 400,
  /** Ours: Function Compute has the feature, this version of Sluice has not. */
  FeatureNotSupported: 400,
  LimitExceededError: 400,
  AccessDenied: 403,
  SignatureNotMatch: 403,
  InvalidAccessKeyID: 403,
  ServiceNotFound: 404,
  FunctionNotFound: 404,
  TriggerNotFound: 404,
  DomainNameNotFound: 404,
  AliasNotFound: 404,
  VersionNotFound: 404,
  OnDemandConfigNotFound: 404,
  AsyncConfigNotExists: 404,
  LayerVersionNotFound: 404,
  StatefulAsyncInvocationNotFound: 404,
  ServiceAlreadyExists: 409,
  FunctionAlreadyExists: 409,
  TriggerAlreadyExists: 409,
  DomainNameAlreadyExists: 409,
  AliasAlreadyExists: 409,
  // Function Compute's manual names no codes for these.
  AccessKeyNotFound: 404,
  CodePackageNotFound: 404,
  AccessKeyAlreadyExists: 409,
  AccessKeyInUse: 409,
  AliasInUse: 409,
  VersionInUse: 409,
  NothingToRollBackTo: 409,
  ServiceNotEmpty: 409,
  FunctionNotEmpty: 409,
  ProvisionConfigExist: 409,
  ConcurrentUpdateError: 409,
  PreconditionFailed: 412,
  // Of InvokeFunction: the instance did not start. Function Compute has the first three, and 412 for them.
  CAExited: 412,
  CAFileNotFound: 412,
  CAFilePermission: 412,
  FunctionNotStarted: 412,
  InitializeFailed: 412,
  HealthCheckFailed: 412,
  NotHttp2: 412,
  BadResponse: 502,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  ResourceThrottled: 503,
  /** The disk has no room. Of InvokeFunction the status is 429, as Function Compute has it. */
  ResourceExhausted: 507,
} as const;

export type ApiErrorCode = keyof typeof apiErrorStatus;

/** An answer of the API that is not success. The message is for its caller: what is wrong, why, what to do. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly status: number;

  /** `status`: another one than the code has in the table. */
  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions & { readonly status?: number }) {
    super(message, options);
    this.name = "ApiError";
    this.code = code;
    this.status = options?.status ?? apiErrorStatus[code];
  }
}

export function invalid(message: string): never {
  throw new ApiError("InvalidArgument", message);
}

/** Whatever was thrown, as the answer to give. What is not expected is told without its inside. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof PackageError) {
    if (error.code === "full") return new ApiError("ResourceExhausted", error.message, { cause: error });
    return new ApiError("InvalidArgument", `code.zipFile: ${error.message}`, { cause: error });
  }
  if (error instanceof StoreError && error.code === "full") {
    return new ApiError("ResourceExhausted", error.message, { cause: error });
  }
  if (error instanceof StoreError && error.code === "conflict") {
    return new ApiError("ConcurrentUpdateError", error.message, { cause: error });
  }
  return new ApiError("InternalServerError", "An internal error has occurred. Look into Sluice's log, then retry", {
    cause: error,
  });
}
