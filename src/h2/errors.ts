/** Error codes of RFC 9113 §7, carried by RST_STREAM and GOAWAY. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

/** One of the codes above. A peer may send a number that no RFC names: it is passed on as it came. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** The connection cannot go on (RFC 9113 §5.4.1): GOAWAY, then the end of every stream on it. */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  readonly code: ErrorCode;
  /** Stable name of the reason, for metrics and tests: `data_on_closed_stream`. */
  readonly token: string;
  /** The rule that was broken: `RFC 9113 §5.1`. */
  readonly source: string;

  constructor(code: ErrorCode, token: string, source: string, message: string) {
    super(message);
    this.code = code;
    this.token = token;
    this.source = source;
  }
}

/**
 * One stream cannot go on (RFC 9113 §5.4.2): RST_STREAM, the connection lives.
 * It is a value and never thrown, so it takes no stack trace: a peer can cause many of them.
 */
export class StreamFault {
  readonly code: ErrorCode;
  /** Stable name of the reason, for metrics and tests. `connection_lost` and the tokens of connection faults: see StreamHandler.reset. */
  readonly token: string;
  readonly source: string;
  readonly message: string;

  constructor(code: ErrorCode, token: string, source: string, message: string) {
    this.code = code;
    this.token = token;
    this.source = source;
    this.message = message;
  }
}

/** Our own code called this layer in a way that can never be right (headers twice, data before headers). */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
