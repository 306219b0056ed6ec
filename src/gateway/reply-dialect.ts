import { faultTrailers, isGrpcContentType, parseGrpcStatus, trailersOnly } from "../grpc/grpc.ts";
import type { HeaderList, Stream } from "../h2/h2.ts";
import { type Fault, faultTable, GrpcStatus } from "../model/model.ts";

/** Of a call through a trigger, and of an event (InvokeFunction). */
export type ControlPath = "/http-invoke" | "/invoke";

/**
 * What is particular to one protocol in a call's answer. Chosen once, from method and content-type; the call's states
 * know nothing of it.
 */
export interface ReplyDialect {
  /** What a call is, as the function is told it: `x-fc-control-path` (Function Compute). */
  readonly controlPath: ControlPath;
  /** Whether a response head is in this dialect. One that is not is passed on as it is, with whatever end it has. */
  accepts(head: HeaderList): boolean;
  /** Status of a response that ended with these trailers (or trailers-only head); undefined: that is no proper end. */
  statusOf(trailers: HeaderList): number | undefined;
  /** Status of a response that ended with DATA, without trailers; undefined: that is no proper end. */
  statusOfDataEnd(): number | undefined;
  /** Answers a call that the platform ends. */
  writeFault(stream: Stream, fault: Fault, requestId: string, headSent: boolean): void;
}

/** gRPC over HTTP/2. */
export const grpcDialect: ReplyDialect = {
  controlPath: "/http-invoke",

  accepts(head) {
    return headerOf(head, ":status") === "200" && isGrpcContentType(headerOf(head, "content-type") ?? "");
  },

  statusOf(trailers) {
    const status = headerOf(trailers, "grpc-status");
    return status === undefined ? undefined : parseGrpcStatus(status);
  },

  statusOfDataEnd() {
    return undefined;
  },

  writeFault(stream, fault, requestId, headSent) {
    if (headSent) stream.trailers(faultTrailers(fault, requestId));
    else stream.headers(trailersOnly(fault, requestId), true);
  },
};

/** HTTP status for a fault where the request is not gRPC. */
export function httpStatusOf(fault: Fault): number {
  return fault.grpcStatus === GrpcStatus.UNAUTHENTICATED ? 401 : faultTable[fault.errorType].httpStatus;
}

/** The first value of a header. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}
