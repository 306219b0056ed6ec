/** InvokeFunction: an event for a function, as worker and main tell each other of it. Plain data. */
import type { Fault } from "./faults.ts";
import type { FunctionKey, InstanceId } from "./ids.ts";

/** Bytes of an event, and of an answer to one (Function Compute, "Limits": synchronous payload). */
export const INVOCATION_BODY_MAX_BYTES = 32 * 1024 * 1024;

/** Chosen by the worker; names an invocation until it has ended. */
export type InvocationId = number;

export interface InvocationRequest {
  readonly invocationId: InvocationId;
  readonly function: FunctionKey;
  /** That of the API's request: what the caller sees stands in the function's log. */
  readonly requestId: string;
  /** At most INVOCATION_BODY_MAX_BYTES. */
  readonly event: Uint8Array;
}

/** Where an invocation ran. */
export interface InvocationRun {
  readonly instanceId: InstanceId;
  /** The published version; absent: the service as it stood. */
  readonly versionId?: string;
  /** From the head being written to the instance to the end. */
  readonly durationMs: number;
}

export type InvocationAnswer =
  | {
      readonly kind: "answered";
      readonly httpStatus: number;
      /** Empty where the function sent none. */
      readonly contentType: string;
      /** The function's `x-fc-status`; empty where it sent none. */
      readonly fcStatus: string;
      /** A gRPC server answered, which knows no `/invoke`. */
      readonly isGrpc: boolean;
      readonly body: Uint8Array;
      readonly run: InvocationRun;
    }
  /** `run` is absent where it reached no instance. */
  | { readonly kind: "fault"; readonly fault: Fault; readonly run?: InvocationRun };
