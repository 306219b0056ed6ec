/** One operation of the API as data: what is served, described and tested comes from these rows. */
import type { ApiErrorCode } from "../api-error.ts";
import type { SchemaName } from "./schemas.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What a request may say beside its path. */
export interface OperationInput {
  readonly query?: readonly string[];
  /** Beside those that every request may have. */
  readonly headers?: readonly string[];
  readonly body?: SchemaName;
}

interface OperationBase extends OperationInput {
  /** As Function Compute names it. */
  readonly name: string;
  readonly method: Method;
  /** Below the dialect's prefix, with parameters as `{serviceName}`. */
  readonly path: string;
}

/** It does what Function Compute's does. */
export interface CompleteOperation extends OperationBase {
  readonly verdict: "complete";
  /** `none`: 204 without a body. `bytes`: whatever the function answers. */
  readonly answer: SchemaName | "none" | "bytes";
}

/** Reads and deletions of what Sluice does not have: answered as for an account that does not use it. */
export interface EmptyOperation extends OperationBase {
  readonly verdict: "empty";
  readonly answer: EmptyAnswer;
}

export type EmptyAnswer =
  | { readonly kind: "body"; readonly body: Readonly<Record<string, unknown>> }
  /** 204. */
  | { readonly kind: "none" }
  /** `what` may have parameters of the path: `layer '{layerName}'`. */
  | { readonly kind: "missing"; readonly code: ApiErrorCode; readonly what: string };

/** Writes of what Sluice does not have. */
export interface RefusedOperation extends OperationBase {
  readonly verdict: "refused";
  readonly code: ApiErrorCode;
  /** What is not there, and what to do instead. */
  readonly sentence: string;
}

export type Operation = CompleteOperation | EmptyOperation | RefusedOperation;

export function complete(
  name: string,
  method: Method,
  path: string,
  answer: CompleteOperation["answer"],
  input: OperationInput = {},
): CompleteOperation {
  return { name, method, path, verdict: "complete", answer, ...input };
}

/** 200 with this body. */
export function empty(
  name: string,
  path: string,
  body: Readonly<Record<string, unknown>>,
  query: readonly string[] = [],
): EmptyOperation {
  return { name, method: "GET", path, verdict: "empty", answer: { kind: "body", body }, query };
}

/** A deletion of what cannot be there. */
export function nothingToDelete(name: string, path: string, query: readonly string[] = []): EmptyOperation {
  return { name, method: "DELETE", path, verdict: "empty", answer: { kind: "none" }, query };
}

/** `what` does not exist. */
export function missing(
  name: string,
  method: Method,
  path: string,
  { code, what }: { readonly code: ApiErrorCode; readonly what: string },
  query: readonly string[] = [],
): EmptyOperation {
  return { name, method, path, verdict: "empty", answer: { kind: "missing", code, what }, query };
}

export function refused(
  name: string,
  method: Method,
  path: string,
  sentence: string,
  input: OperationInput = {},
): RefusedOperation {
  return { name, method, path, verdict: "refused", code: "FeatureNotSupported", sentence, ...input };
}
