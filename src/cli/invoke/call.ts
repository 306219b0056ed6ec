/** One gRPC call with JSON in and out, whatever its kind. */

import {
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type Client, status as GrpcStatus, Metadata, type StatusObject } from "@grpc/grpc-js";
import { CliError } from "../cli-error.ts";
import { pathOf } from "./find-method.ts";

/** How a call went. */
export interface CallResult {
  readonly status: { readonly code: number; readonly name: string; readonly message: string };
  readonly headers: Record<string, string[]>;
  readonly messages: readonly JsonValue[];
  readonly trailers: Record<string, string[]>;
  /** The platform's id of the call. */
  readonly requestId: string;
}

export interface CallOptions {
  readonly method: DescMethod;
  readonly registry: Registry;
  /** Messages to send, as JSON values. */
  readonly requests: readonly JsonValue[];
  readonly metadata: Metadata;
  /** Deadline, Unix epoch milliseconds; absent: none. */
  readonly deadlineAt?: number | undefined;
  /** Told of each message as it comes. */
  readonly onMessage?: (message: JsonValue) => void;
}

/** Sends all requests, reads all answers. Rejects only for a request that is no message of the method. */
export async function callMethod(client: Client, options: CallOptions): Promise<CallResult> {
  const { method, registry, metadata, deadlineAt } = options;
  const requests = options.requests.map((request) => encodeRequest(method, registry, request));
  // A stream in both directions sends the same frames as the other kinds do; the server tells no difference.
  const call = client.makeBidiStreamRequest(
    pathOf(method),
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => toJson(method.output, fromBinary(method.output, bytes), { registry }),
    metadata,
    deadlineAt === undefined ? {} : { deadline: deadlineAt },
  );
  let headers = new Metadata();
  const messages: JsonValue[] = [];
  call.on("metadata", (received: Metadata) => {
    headers = received;
  });
  call.on("data", (message: JsonValue) => {
    messages.push(message);
    options.onMessage?.(message);
  });
  const ended = new Promise<StatusObject>((resolve) => call.on("status", resolve));
  // The status tells the same.
  call.on("error", () => {});
  for (const request of requests) call.write(request);
  call.end();
  return resultOf(await ended, headers, messages);
}

/** A call's end as it is printed. */
export function resultOf(status: StatusObject, headers: Metadata, messages: readonly JsonValue[]): CallResult {
  const leading = metadataTexts(headers);
  const trailers = metadataTexts(status.metadata);
  return {
    status: {
      code: status.code,
      name: GrpcStatus[status.code] ?? "UNKNOWN",
      message: status.code === 0 ? "" : status.details,
    },
    headers: leading,
    messages,
    trailers,
    requestId: leading["x-fc-request-id"]?.[0] ?? trailers["x-fc-request-id"]?.[0] ?? "",
  };
}

function encodeRequest(method: DescMethod, registry: Registry, request: JsonValue): Uint8Array {
  try {
    return toBinary(method.input, fromJson(method.input, request, { registry }));
  } catch (error) {
    throw new CliError(`-d: expected JSON of a ${method.input.typeName}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Values as text; binary ones in base64, as they are on the wire. */
function metadataTexts(metadata: Metadata): Record<string, string[]> {
  return Object.fromEntries(
    Object.keys(metadata.getMap()).map((key) => [
      key,
      metadata.get(key).map((value) => (typeof value === "string" ? value : value.toString("base64"))),
    ]),
  );
}
