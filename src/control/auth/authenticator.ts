import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/base.ts";
import { ApiError } from "../api-error.ts";
import type { Credentials } from "../options.ts";
import { ALGORITHM, canonicalRequest, parseAuthorization, type SignedRequest, signatureOf } from "./acs3.ts";
import { Nonces } from "./nonces.ts";

/** How far the clock of a client may be off (Function Compute). */
const SKEW_MAX_MS = 15 * 60 * 1000;
const NONCE_MAX_CHARS = 128;
const REQUIRED_HEADERS = [
  "host",
  "x-acs-action",
  "x-acs-content-sha256",
  "x-acs-date",
  "x-acs-signature-nonce",
  "x-acs-version",
];

/** Decides whether a request is from the holder of the key. */
export class Authenticator {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  /** A request dated 15 minutes ahead is accepted for 30, the last millisecond included. */
  readonly #nonces = new Nonces(2 * SKEW_MAX_MS + 1);

  constructor(credentials: Credentials, clock: Clock) {
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /**
   * Checks all but the body. Returns the SHA-256 (lower-case hex) that the body must have, which the caller compares
   * before it acts. Throws an ApiError.
   */
  check(request: SignedRequest): string {
    const header = only(request, "authorization");
    if (!header.startsWith(ALGORITHM)) {
      throw denied(`expected a signature by ${ALGORITHM}, the only one that this version of Sluice checks`);
    }
    const authorization = parseAuthorization(header);
    if (authorization === undefined) {
      throw denied("the Authorization header is not written as Credential=...,SignedHeaders=...,Signature=...");
    }
    const { accessKeyId, accessKeySecret } = this.#credentials;
    if (authorization.accessKeyId !== accessKeyId) {
      throw new ApiError("InvalidAccessKeyID", `invalid access key ID '${authorization.accessKeyId}'`);
    }
    for (const name of REQUIRED_HEADERS) only(request, name);
    for (const name of request.headers.keys()) {
      const mustBeSigned = name === "host" || name.startsWith("x-acs-");
      if (mustBeSigned && !authorization.signedHeaders.includes(name)) throw denied(`the header ${name} is not signed`);
    }
    for (const name of authorization.signedHeaders) only(request, name);
    this.#checkDate(only(request, "x-acs-date"));
    const bodySha256 = only(request, "x-acs-content-sha256");
    if (!/^[0-9a-f]{64}$/.test(bodySha256)) throw denied("x-acs-content-sha256 is not 64 lower-case hex digits");

    const canonical = canonicalOf(request, authorization.signedHeaders, bodySha256);
    const expected = signatureOf(canonical, accessKeySecret);
    if (!timingSafeEqual(expected, Buffer.from(authorization.signature, "hex"))) {
      const message =
        "The signature is not that of this request: check the access key secret, and that nothing between client and server changes host, path or query";
      throw new ApiError("SignatureNotMatch", message);
    }
    this.#checkNonce(only(request, "x-acs-signature-nonce"));
    return bodySha256;
  }

  #checkDate(date: string): void {
    const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date) ? Date.parse(date) : Number.NaN;
    if (Number.isNaN(at)) throw denied("x-acs-date is not written as 2026-01-01T00:00:00Z");
    const nowAt = this.#clock.epochMs();
    if (Math.abs(nowAt - at) <= SKEW_MAX_MS) return;
    const now = new Date(nowAt).toISOString();
    throw denied(`x-acs-date ${date} is more than 15 minutes from this machine's time ${now}: set the clock`);
  }

  /** Only now: a nonce counts as used by a request that is really signed. */
  #checkNonce(nonce: string): void {
    if (nonce.length > NONCE_MAX_CHARS)
      throw denied(`x-acs-signature-nonce is longer than ${NONCE_MAX_CHARS} characters`);
    if (this.#nonces.add(nonce, this.#clock.epochMs())) return;
    throw new ApiError("SignatureNonceUsed", "The signature nonce has been used already: sign each request anew");
  }
}

function canonicalOf(request: SignedRequest, signedHeaders: readonly string[], bodySha256: string): string {
  try {
    return canonicalRequest(request, signedHeaders, bodySha256);
  } catch (error) {
    if (error instanceof URIError) throw new ApiError("InvalidArgument", "The query is not percent-encoded UTF-8");
    throw error;
  }
}

/** The one value of a header; which of two would be meant is not to be guessed. */
function only(request: SignedRequest, name: string): string {
  const values = request.headers.get(name) ?? [];
  const [value] = values;
  if (value === undefined || value === "") {
    throw new ApiError("MissingRequiredHeader", `required HTTP header ${name} was not specified`);
  }
  if (values.length > 1) throw denied(`the header ${name} was sent ${values.length} times`);
  return value;
}

function denied(reason: string): ApiError {
  return new ApiError("AccessDenied", `Access denied: ${reason}`);
}
