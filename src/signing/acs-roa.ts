/**
 * The older scheme of Alibaba Cloud's SDKs (`signatureAlgorithm: "v2"`): `authorization: acs <access key id>:<base64 of
 * HMAC-SHA1>` ("ROA-style request signature"). Pure: verifier.ts decides.
 */
import { createHmac } from "node:crypto";
import { compare, optional, queryPairs, type SignedRequest, splitUrl } from "./signed-request.ts";

/**
 * The signature. The headers `accept`, `content-md5`, `content-type`, `date` and all `x-acs-*` are in it. Throws a
 * SignatureRefusal where one of them was sent twice, or the query cannot be decoded.
 */
export function acsRoaSignature(request: SignedRequest, accessKeySecret: string): Buffer {
  return createHmac("sha1", accessKeySecret).update(stringToSign(request)).digest();
}

function stringToSign({ method, url, headers }: SignedRequest): string {
  const [path, query] = splitUrl(url);
  const head = ["accept", "content-md5", "content-type", "date"].map((name) => `${optional(headers, name)}\n`).join("");
  const acsHeaders = [...headers.keys()]
    .filter((name) => name.startsWith("x-acs-"))
    .sort(compare)
    .map(
      (name) =>
        `${name}:${optional(headers, name)
          .replace(/[\t\n\r\f]/g, " ")
          .trim()}\n`,
    )
    .join("");
  return `${method}\n${head}${acsHeaders}${path}${sortedQuery(query)}`;
}

/** Decoded, as the SDK signs it. */
function sortedQuery(query: string): string {
  if (query === "") return "";
  const pairs = queryPairs(query).sort(([left], [right]) => compare(left, right));
  return `?${pairs.map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join("&")}`;
}
