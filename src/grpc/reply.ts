import type { Fault } from "../model/model.ts";
import { encodeGrpcMessage } from "./message.ts";

/** Longest `grpc-message` that Sluice makes, in characters once encoded: clients limit trailers to 8 KiB. */
const MESSAGE_MAX_LENGTH = 2048;

/** Trailers of a call that the platform ends after its response head was sent. Ends with the request id. */
export function faultTrailers(fault: Fault, requestId: string): string[] {
  return [
    "grpc-status",
    String(fault.grpcStatus),
    "grpc-message",
    faultMessage(fault, requestId),
    "x-fc-request-id",
    requestId,
    "x-fc-error-type",
    fault.errorType,
  ];
}

/** The same where no head was sent: one HEADERS frame that begins and ends the response ("Trailers-Only"). */
export function trailersOnly(fault: Fault, requestId: string): string[] {
  return [":status", "200", "content-type", "application/grpc", ...faultTrailers(fault, requestId)];
}

function faultMessage(fault: Fault, requestId: string): string {
  const encoded = encodeGrpcMessage(fault.message);
  const cut = encoded.length > MESSAGE_MAX_LENGTH ? `${encoded.slice(0, MESSAGE_MAX_LENGTH)}...` : encoded;
  return `${cut} (request id: ${requestId})`;
}
