/**
 * HTTP/2 (RFC 9113) and HPACK (RFC 7541) without I/O: bytes in, stream events and bytes out.
 * `Connection` is the same for both roles; the owner of the socket feeds it bytes and time.
 */
export { Connection } from "./connection.ts";
export type {
  ConnectionEvents,
  HeaderList,
  MemoryBudget,
  PeerSettings,
  Role,
  Stream,
  StreamHandler,
  Transport,
} from "./contract.ts";
export { ConnectionFault, ErrorCode, StreamFault, UsageError } from "./errors.ts";
export { type ConnectionOptions, connectionOptions, LIMITS, type Limit, limit } from "./options.ts";
