/**
 * ACS3-HMAC-SHA256, how Alibaba Cloud's SDKs sign requests ("Request syntax and signature method V3"). Function Compute
 * 3.0 takes it on HTTP triggers too. Pure: verifier.ts decides.
 */
import { createHash, createHmac } from "node:crypto";
import { type AccessKey, compare, queryPairs, type SignedRequest, splitUrl } from "./signed-request.ts";

export const ACS3 = "ACS3-HMAC-SHA256";

/** The parts of an Authorization header. */
export interface Authorization {
  readonly accessKeyId: string;
  /** Lower case, sorted, each once. */
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hex digits. */
  readonly signature: string;
}

/** Undefined unless it is written exactly as the algorithm says. */
export function parseAcs3(header: string): Authorization | undefined {
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

/**
 * The signature. `bodySha256` as the header `x-acs-content-sha256` says it. Throws a SignatureRefusal where the query
 * cannot be decoded.
 */
export function acs3Signature(
  request: SignedRequest,
  signedHeaders: readonly string[],
  bodySha256: string,
  accessKeySecret: string,
): Buffer {
  const canonical = sha256Hex(canonicalRequest(request, signedHeaders, bodySha256));
  return createHmac("sha256", accessKeySecret).update(`${ACS3}\n${canonical}`).digest();
}

/**
 * The value of the `authorization` header: signs `host`, `content-type` and every `x-acs-*` that the request has, among
 * them `x-acs-content-sha256`.
 */
export function signAcs3(request: SignedRequest, key: AccessKey): string {
  const names = [...request.headers.keys()]
    .filter((name) => name === "host" || name === "content-type" || name.startsWith("x-acs-"))
    .sort();
  const bodySha256 = request.headers.get("x-acs-content-sha256")?.[0] ?? "";
  const signature = acs3Signature(request, names, bodySha256, key.accessKeySecret).toString("hex");
  return `${ACS3} Credential=${key.accessKeyId},SignedHeaders=${names.join(";")},Signature=${signature}`;
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Percent-encodes all but RFC 3986's unreserved characters, as the canonical query demands. */
export function strictEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The text whose hash is signed. */
function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], bodySha256: string): string {
  const [path, query] = splitUrl(request.url);
  const headerLines = signedHeaders.map((name) => {
    const values = request.headers.get(name) ?? [];
    return `${name}:${values.map((value) => value.trim()).join(",")}\n`;
  });
  const list = signedHeaders.join(";");
  return [request.method, path, canonicalQuery(query), headerLines.join(""), list, bodySha256].join("\n");
}

/** Decoded and encoded again, so that it does not matter which characters the client chose to encode; sorted. */
function canonicalQuery(query: string): string {
  const pairs = queryPairs(query).map(([name, value = ""]) => [strictEncode(name), strictEncode(value)] as const);
  pairs.sort(([leftName, left], [rightName, right]) => compare(leftName, rightName) || compare(left, right));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}
