/** Short ways to write the faults that the receiving side finds. */
import { ConnectionFault, ErrorCode } from "./errors.ts";

/** PROTOCOL_ERROR; `section` is one of RFC 9113 unless it names another RFC. */
export function broken(token: string, section: string, message: string): ConnectionFault {
  const source = section.startsWith("RFC") ? section : `RFC 9113 ${section}`;
  return new ConnectionFault(ErrorCode.PROTOCOL_ERROR, token, source, message);
}

/** STREAM_CLOSED (RFC 9113 §5.1): raised to the connection, since resets that a peer provokes are an attack. */
export function closed(token: string, message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.STREAM_CLOSED, token, "RFC 9113 §5.1", message);
}

/** FRAME_SIZE_ERROR (RFC 9113 §4.2). */
export function wrongSize(frame: string): ConnectionFault {
  const text = `${frame} of a wrong length`;
  return new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "frame_length", "RFC 9113 §4.2", text);
}

/** FLOW_CONTROL_ERROR (RFC 9113 §6.9.1). */
export function windowOverflow(section: string): ConnectionFault {
  const text = "a window above 2^31-1";
  return new ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "window_overflow", `RFC 9113 ${section}`, text);
}

/** ENHANCE_YOUR_CALM (RFC 9113 §10.5). */
export function tooMuch(token: string, message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, token, "RFC 9113 §10.5", message);
}
