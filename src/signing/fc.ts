/**
 * Function Compute's own scheme: `Authorization: FC <access key id>:<base64 of HMAC-SHA256>` (its page "Signature
 * authentication"; fc2 and the Go SDK of 2016-08-15 sign so, and callers of HTTP triggers). Pure: verifier.ts decides.
 */
import { createHmac } from "node:crypto";
import {
  type AccessKey,
  compare,
  decodedPath,
  optional,
  queryPairs,
  type SignedRequest,
  splitUrl,
} from "./signed-request.ts";

/** The API signs the path alone, but for calls of functions through it (`/proxy/`); an http trigger path and query. */
export type FcForm = "api" | "trigger";

/** The scheme's page decodes the path; fc2 signs the one that it sends (`getLayerVersionByArn` has an encoded one). */
export type FcPathForm = "decoded" | "sent";

const PROXY_PATH = /^\/\d{4}-\d\d-\d\d\/proxy\//;

/**
 * The signature. The headers `content-md5`, `content-type`, `date` and all `x-fc-*` are in it. Throws a SignatureRefusal
 * where one of them was sent twice, or path or query cannot be decoded.
 */
export function fcSignature(
  request: SignedRequest,
  form: FcForm,
  accessKeySecret: string,
  pathForm: FcPathForm = "decoded",
): Buffer {
  return createHmac("sha256", accessKeySecret)
    .update(stringToSign(request, form, pathForm))
    .digest();
}

/** The value of the `authorization` header; the request's other headers must be there already. */
export function signFc(request: SignedRequest, form: FcForm, key: AccessKey): string {
  return `FC ${key.accessKeyId}:${fcSignature(request, form, key.accessKeySecret).toString("base64")}`;
}

function stringToSign({ method, url, headers }: SignedRequest, form: FcForm, pathForm: FcPathForm): string {
  const [path, query] = splitUrl(url);
  const platformHeaders = [...headers.keys()]
    .filter((name) => name.startsWith("x-fc-"))
    .sort(compare)
    .map((name) => `${name}:${optional(headers, name)}\n`)
    .join("");
  const head = ["content-md5", "content-type", "date"].map((name) => `${optional(headers, name)}\n`).join("");
  const withQuery = form === "trigger" || PROXY_PATH.test(path);
  return `${method}\n${head}${platformHeaders}${pathForm === "sent" ? path : decodedPath(path)}${withQuery ? queryLines(query) : ""}`;
}

/** Always begins with a line feed, also where there is no query. */
function queryLines(query: string): string {
  const lines = queryPairs(query).map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
  return `\n${lines.sort(compare).join("\n")}`;
}
