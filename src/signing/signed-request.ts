/** A request as the schemes of this folder read it, and what they say of one that they do not accept. */

/** A request as it came in, or as it is about to be sent. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly url: string;
  /** Lower-case names; several values of one name as they came. */
  readonly headers: HeaderValues;
}

export type HeaderValues = ReadonlyMap<string, readonly string[]>;

/** Who signs. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** Function Compute's error codes of requests that are not signed as they should be (its page "Error codes"). */
export type RefusalCode =
  | "MissingRequiredHeader"
  | "InvalidArgument"
  | "AccessDenied"
  | "InvalidAccessKeyID"
  | "SignatureNotMatch"
  | "SignatureNonceUsed";

/** Why a request is not taken for that of a key's holder. The message is for its sender. */
export class SignatureRefusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = "SignatureRefusal";
    this.code = code;
  }
}

export function denied(reason: string): SignatureRefusal {
  return new SignatureRefusal("AccessDenied", `Access denied: ${reason}`);
}

/** The one value of a header; which of two would be meant is not to be guessed. Throws a SignatureRefusal. */
export function only(headers: HeaderValues, name: string): string {
  const value = optional(headers, name);
  if (value !== "") return value;
  throw new SignatureRefusal("MissingRequiredHeader", `required HTTP header ${name} was not specified`);
}

/** As `only`, but the empty text where there is none. */
export function optional(headers: HeaderValues, name: string): string {
  const values = headers.get(name);
  if (values === undefined) return "";
  if (values.length > 1) throw denied(`the header ${name} was sent ${values.length} times`);
  return values[0] ?? "";
}

/** Headers as this folder reads them. Names must be in lower case already. */
export function headerValues(headers: Readonly<Record<string, string>>): HeaderValues {
  return new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
}

/** Path and query of a request's URL, as they were sent. */
export function splitUrl(url: string): readonly [path: string, query: string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

/** Decoded names and values of a query, in the order sent; `value` is undefined without a `=`. Throws a SignatureRefusal. */
export function queryPairs(query: string): (readonly [name: string, value: string | undefined])[] {
  if (query === "") return [];
  return query.split("&").map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? [decoded(pair), undefined] : [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
  });
}

/** Throws a SignatureRefusal where the path is not percent-encoded UTF-8. */
export function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new SignatureRefusal("InvalidArgument", "The path is not percent-encoded UTF-8");
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new SignatureRefusal("InvalidArgument", "The query is not percent-encoded UTF-8");
  }
}

/** By code units, as the signing SDKs sort. */
export function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
