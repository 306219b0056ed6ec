import { formatGrpcTimeout } from "../grpc/grpc.ts";
import type { HeaderList } from "../h2/h2.ts";
import type { Revision } from "../model/model.ts";

/**
 * Headers that Function Compute adds to every request and that are the same for all calls of a revision (custom
 * runtime, "Request headers"), as a flat list. Credentials are never among them.
 */
export function runtimeHeaders(revision: Revision, region: string): HeaderList {
  return [
    "x-fc-account-id",
    revision.accountId,
    "x-fc-control-path",
    "/http-invoke",
    "x-fc-function-handler",
    revision.handler,
    "x-fc-function-memory",
    String(revision.memoryMb),
    "x-fc-function-name",
    revision.functionName,
    "x-fc-qualifier",
    revision.qualifier,
    "x-fc-region",
    region,
    "x-fc-service-name",
    revision.serviceName,
    ...(revision.versionId === undefined ? [] : ["x-fc-version-id", revision.versionId]),
  ];
}

/**
 * The request head as it goes to an instance, but for the runtime's headers: `x-fc-*` and `host` of the client dropped,
 * the request id added, `grpc-timeout` set to what remains. `remainingMs` is undefined where the client gave no deadline
 * (none is added then), or where no time has passed that matters.
 */
export function forwardedHead(headers: HeaderList, requestId: string, remainingMs: number | undefined): HeaderList {
  const forwarded: HeaderList = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    let value = headers[i + 1] as string;
    if (name === ":scheme") value = "http";
    else if (name === "grpc-timeout" && remainingMs !== undefined) value = formatGrpcTimeout(remainingMs);
    else if (isReserved(name) || name === "host") continue;
    forwarded.push(name, value);
  }
  forwarded.push("x-fc-request-id", requestId);
  return forwarded;
}

/** A header list of the function's without `x-fc-*`, the same object where it holds none. */
export function withoutReserved(headers: HeaderList): HeaderList {
  for (let i = 0; i < headers.length; i += 2) {
    if (isReserved(headers[i] as string)) return copyWithoutReserved(headers);
  }
  return headers;
}

/**
 * Takes `content-length` out of a response head. gRPC has no use for it, and a response that is cut, by the function's
 * timeout or its end, would be malformed with it (RFC 9113 §8.1.1): the client would see that, and not the status.
 */
export function dropContentLength(head: HeaderList): void {
  for (let i = 0; i < head.length; i += 2) {
    if (head[i] !== "content-length") continue;
    head.splice(i, 2);
    i -= 2;
  }
}

function copyWithoutReserved(headers: HeaderList): HeaderList {
  const kept: HeaderList = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!isReserved(name)) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}

/** Whether a header belongs to the platform: neither client nor function may set `x-fc-*`. */
function isReserved(name: string): boolean {
  return name.charCodeAt(0) === 120 && name.startsWith("x-fc-");
}
