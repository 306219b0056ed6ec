/**
 * ACS3-HMAC-SHA256, how Alibaba Cloud's SDKs sign requests ("Request syntax and signature method V3"). Pure: what is
 * here reads a request and computes; authenticator.ts decides.
 */
import { createHash, createHmac } from "node:crypto";

export const ALGORITHM = "ACS3-HMAC-SHA256";

/** A request as it came in. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly url: string;
  /** Lower-case names; several values of one name as they came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** The parts of an Authorization header. */
export interface Authorization {
  readonly accessKeyId: string;
  /** Lower case, sorted, each once. */
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hex digits. */
  readonly signature: string;
}

/** Undefined unless it is written exactly as the algorithm says. */
export function parseAuthorization(header: string): Authorization | undefined {
  const match =
    /^ACS3-HMAC-SHA256 Credential=([^,\s]{1,128}), ?SignedHeaders=([a-z0-9;-]{1,2048}), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (match === null) return undefined;
  const [, accessKeyId = "", list = "", signature = ""] = match;
  const signedHeaders = list.split(";");
  const inOrder = signedHeaders.every((name, index) => index === 0 || (signedHeaders[index - 1] ?? "") < name);
  return inOrder ? { accessKeyId, signedHeaders, signature } : undefined;
}

/** The text whose hash is signed. `bodySha256` as the header `x-acs-content-sha256` says it. */
export function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], bodySha256: string): string {
  const [path = "", query = ""] = splitOnce(request.url, "?");
  const headerLines = signedHeaders.map((name) => {
    const values = request.headers.get(name) ?? [];
    return `${name}:${values.map((value) => value.trim()).join(",")}\n`;
  });
  const list = signedHeaders.join(";");
  return [request.method, path, canonicalQuery(query), headerLines.join(""), list, bodySha256].join("\n");
}

/** HMAC over the hash of the canonical request. */
export function signatureOf(canonical: string, accessKeySecret: string): Buffer {
  const hash = createHash("sha256").update(canonical).digest("hex");
  return createHmac("sha256", accessKeySecret).update(`${ALGORITHM}\n${hash}`).digest();
}

/** Decoded and encoded again, so that it does not matter which characters the client chose to encode; sorted. */
function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs = query.split("&").map((pair) => {
    const [key = "", value = ""] = splitOnce(pair, "=");
    return [strictEncode(decoded(key)), strictEncode(decoded(value))] as const;
  });
  pairs.sort(([leftKey, left], [rightKey, right]) => compare(leftKey, rightKey) || compare(left, right));
  return pairs.map(([key, value]) => `${key}=${value}`).join("&");
}

/** All but RFC 3986's unreserved characters. */
function strictEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Throws a URIError where the encoding is broken. */
function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
