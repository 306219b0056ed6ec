/**
 * Which names the encoder treats specially, whatever their values (RFC 7541 §7.1). All others are indexed when a value
 * comes a second time.
 */

/** What differs for each call: an entry in the table would never be used again. */
const PER_CALL = new Set([
  "grpc-timeout",
  "grpc-message",
  "grpc-trace-bin",
  "grpc-tags-bin",
  "traceparent",
  "tracestate",
  "date",
  "content-length",
  "etag",
  "if-none-match",
]);
const PER_CALL_PATTERN = /(^|-)(request|trace|span|correlation|invocation)-?id$/;

/** Credentials: never in a table, here or further on (RFC 7541 §7.1.3). */
const CREDENTIALS = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);
const CREDENTIAL_PATTERN = /(^|-)(secret|token|password|passwd|credentials?|api-?key|signature)(-|$)/;

export type FieldPolicy = "repeating" | "per-call" | "credential";

export function fieldPolicy(name: string): FieldPolicy {
  if (CREDENTIALS.has(name) || CREDENTIAL_PATTERN.test(name)) return "credential";
  if (PER_CALL.has(name) || PER_CALL_PATTERN.test(name)) return "per-call";
  return "repeating";
}
