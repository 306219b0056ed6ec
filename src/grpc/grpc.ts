/** Front door of src/grpc: what the gRPC protocol says on top of HTTP/2 header lists. Pure. */
export { HEALTH_CHECK_PATH, HEALTH_CHECK_REQUEST, parseHealthStatus } from "./health.ts";
export { decodeGrpcMessage, encodeGrpcMessage } from "./message.ts";
export { faultTrailers, trailersOnly } from "./reply.ts";
export { parseGrpcStatus, statusName, statusOfResetCode } from "./status.ts";
export { formatGrpcTimeout, parseGrpcTimeout } from "./timeout.ts";

/** Whether a content-type names gRPC: `application/grpc`, with `+proto` or the like, parameters allowed. */
export function isGrpcContentType(contentType: string): boolean {
  return (
    contentType.startsWith("application/grpc") && (contentType.length === 16 || /[+;]/.test(contentType[16] ?? ""))
  );
}
