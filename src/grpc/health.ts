/**
 * `grpc.health.v1` (gRPC Health Checking Protocol, github.com/grpc/grpc/blob/master/doc/health-checking.md): one request
 * and one number in its answer, so that no protobuf library is needed.
 */

export const HEALTH_CHECK_PATH = "/grpc.health.v1.Health/Check";

/** A HealthCheckRequest with the service "", which is the server as a whole: a message of no bytes. */
export const HEALTH_CHECK_REQUEST = Buffer.from([0, 0, 0, 0, 0]);

/** HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

/** A varint has at most ten bytes. */
const VARINT_MAX_BYTES = 10;

/**
 * The status in a HealthCheckResponse, with its gRPC prefix: field 1, a varint; absent it is 0 (Protocol Buffers
 * Encoding, "Message Structure"). Undefined where the bytes are something else.
 */
export function parseHealthStatus(body: Buffer): string | undefined {
  // No compression was offered, so a compressed message is none.
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return undefined;
  let status = 0;
  for (let at = 5; at < body.length; ) {
    const tag = varint(body, at);
    // Other fields are none of the protocol's; the one varint is all that need be understood.
    if (tag === undefined || tag.value !== 0x08) return undefined;
    const field = varint(body, tag.end);
    if (field === undefined) return undefined;
    status = field.value;
    at = field.end;
  }
  return SERVING_STATUS[status] ?? String(status);
}

function varint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < VARINT_MAX_BYTES && start + i < bytes.length; i++) {
    const byte = bytes[start + i] as number;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return undefined;
}
