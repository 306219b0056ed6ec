/** Frame types of RFC 9113 §6. */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags of RFC 9113 §6; ACK and END_STREAM share a bit. */
export const Flag = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** RFC 9113 §4.1. */
export const FRAME_HEADER_BYTES = 9;

/** RFC 9113 §5.1.1. */
export const STREAM_ID_MAX = 2 ** 31 - 1;

/** RFC 9113 §3.4: the first bytes of a client. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Every frame field of four bytes that has a reserved first bit. */
export function readUint31(bytes: Buffer, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function readUint32(bytes: Buffer, at: number): number {
  return readUint31(bytes, at) + (bytes[at]! >= 0x80 ? 2 ** 31 : 0);
}
