/**
 * Signatures of the API's requests: ACS3-HMAC-SHA256, as Function Compute's SDKs sign them (Alibaba Cloud, "Request
 * syntax and signature method V3"). The server computes the same from what it received.
 */
import { createHash, createHmac } from "node:crypto";

const ALGORITHM = "ACS3-HMAC-SHA256";

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** What is signed of a request. */
export interface RequestToSign {
  readonly method: string;
  /** As it is sent: percent-encoded, begins with `/`. */
  readonly path: string;
  /** Decoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. `host`, `content-type` and every `x-acs-*` are signed, others are not. */
  readonly headers: Readonly<Record<string, string>>;
  /** The empty buffer for none. */
  readonly body: Uint8Array;
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Percent-encodes all but RFC 3986's unreserved characters, as the canonical query demands. */
export function strictEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The query as it is both signed and sent: sorted by name, `name=value` joined by `&`; empty for none. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${strictEncode(name)}=${strictEncode(value)}`)
    .join("&");
}

/** The value of the `authorization` header. `headers` must already hold all that is signed. */
export function authorization(request: RequestToSign, credentials: Credentials): string {
  const signed = Object.entries(request.headers)
    .filter(([name]) => name === "host" || name === "content-type" || name.startsWith("x-acs-"))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  const signedNames = signed.map(([name]) => name).join(";");
  const canonicalRequest = [
    request.method,
    request.path,
    canonicalQuery(request.query),
    ...signed.map(([name, value]) => `${name}:${value.trim()}`),
    "",
    signedNames,
    sha256Hex(request.body),
  ].join("\n");
  const signature = createHmac("sha256", credentials.accessKeySecret)
    .update(`${ALGORITHM}\n${sha256Hex(canonicalRequest)}`)
    .digest("hex");
  return `${ALGORITHM} Credential=${credentials.accessKeyId},SignedHeaders=${signedNames},Signature=${signature}`;
}
