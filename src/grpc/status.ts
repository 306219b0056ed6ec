import { GrpcStatus } from "../model/model.ts";

/** The gRPC status for an RST_STREAM code (gRPC over HTTP/2, "HTTP2 Transport Mapping", Errors). */
export function statusOfResetCode(code: number): GrpcStatus {
  switch (code) {
    case 0x7: // REFUSED_STREAM
      return GrpcStatus.UNAVAILABLE;
    case 0x8: // CANCEL
      return GrpcStatus.CANCELLED;
    case 0xb: // ENHANCE_YOUR_CALM
      return GrpcStatus.RESOURCE_EXHAUSTED;
    case 0xc: // INADEQUATE_SECURITY
      return GrpcStatus.PERMISSION_DENIED;
    default:
      return GrpcStatus.INTERNAL;
  }
}

const names = Object.fromEntries(Object.entries(GrpcStatus).map(([name, code]) => [code, name]));

/** `INTERNAL` for 13; the number itself for one that gRPC does not define. */
export function statusName(code: number): string {
  return names[code] ?? String(code);
}

/** Clients hold a status in 32 bits with a sign. */
const STATUS_MAX = 2 ** 31 - 1;

/**
 * The value of a `grpc-status` trailer; undefined where it is no decimal number that clients can hold. Numbers that gRPC
 * does not define are the function's to use: clients show them, or UNKNOWN.
 */
export function parseGrpcStatus(value: string): number | undefined {
  if (value === "0") return 0;
  if (!/^[0-9]{1,10}$/.test(value)) return undefined;
  const status = Number(value);
  return status <= STATUS_MAX ? status : undefined;
}
