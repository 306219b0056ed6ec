import { timingSafeEqual } from "node:crypto";
import { acsRoaSignature } from "./acs-roa.ts";
import { ACS3, acs3Signature, parseAcs3, sha256Hex } from "./acs3.ts";
import { type FcForm, fcSignature } from "./fc.ts";
import { Nonces } from "./nonces.ts";
import { denied, only, optional, SignatureRefusal, type SignedRequest } from "./signed-request.ts";

/** How far the clock of a sender may be off (Function Compute). */
export const SKEW_MAX_MS = 15 * 60 * 1000;
const NONCE_MAX_CHARS = 128;
const EMPTY_SHA256 = sha256Hex("");

/** Of the API's requests; callers of triggers have no action and no version, and may leave the host unsigned. */
const ACS3_API_HEADERS = [
  "host",
  "x-acs-action",
  "x-acs-content-sha256",
  "x-acs-date",
  "x-acs-signature-nonce",
  "x-acs-version",
];

/** A signature that is right: by whom, and what it says of the body, which the caller compares before it acts. */
export interface Verified {
  readonly accessKeyId: string;
  /** Lower-case hex; absent: the scheme does not cover the body, or another field says it. */
  readonly bodySha256?: string;
  /** The header Content-MD5 as it was signed; absent: none. */
  readonly contentMd5?: string;
}

export interface VerifierOptions {
  /**
   * `api`: the control API, which takes all three schemes. `trigger`: a call of a function, known by its head alone,
   * which takes `FC` and `ACS3-HMAC-SHA256` over no body.
   */
  readonly form: FcForm;
  /** Undefined: no such key, or it is disabled. */
  secretOf(accessKeyId: string): string | undefined;
  /** Most nonces remembered. */
  readonly nonceCountMax?: number;
}

/** Decides whether a request is from the holder of a key, by whichever scheme it is signed. */
export class SignatureVerifier {
  readonly #options: VerifierOptions;
  readonly #nonces: Nonces;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#nonces = new Nonces(SKEW_MAX_MS, options.nonceCountMax);
  }

  /** Checks all but the body. `nowAt`: epoch ms. Throws a SignatureRefusal. */
  verify(request: SignedRequest, nowAt: number): Verified {
    const header = only(request.headers, "authorization");
    const scheme = header.slice(0, Math.max(0, header.indexOf(" ")));
    if (scheme === ACS3) return this.#acs3(request, header, nowAt);
    if (scheme === "FC") return this.#fc(request, header, nowAt);
    if (scheme === "acs" && this.#options.form === "api") return this.#acsRoa(request, header, nowAt);
    const schemes = this.#options.form === "api" ? `FC, ${ACS3} and acs` : `FC and ${ACS3}`;
    throw denied(`the Authorization header begins with none of the schemes that are checked here: ${schemes}`);
  }

  #acs3(request: SignedRequest, header: string, nowAt: number): Verified {
    const { headers } = request;
    const authorization = parseAcs3(header);
    if (authorization === undefined) {
      throw denied("the Authorization header is not written as Credential=...,SignedHeaders=...,Signature=...");
    }
    const { accessKeyId, signedHeaders } = authorization;
    const secret = this.#secretOf(accessKeyId);
    const isApi = this.#options.form === "api";
    for (const name of isApi ? ACS3_API_HEADERS : ["x-acs-date"]) only(headers, name);
    for (const name of headers.keys()) {
      const mustBeSigned = (isApi && name === "host") || name.startsWith("x-acs-");
      if (mustBeSigned && !signedHeaders.includes(name)) throw denied(`the header ${name} is not signed`);
    }
    for (const name of signedHeaders) {
      if (isApi || !headers.has(name)) only(headers, name);
      else optional(headers, name);
    }
    const datedAt = checkedDate("x-acs-date", only(headers, "x-acs-date"), nowAt);
    const bodySha256 = optional(headers, "x-acs-content-sha256");
    if (isApi && !/^[0-9a-f]{64}$/.test(bodySha256))
      throw denied("x-acs-content-sha256 is not 64 lower-case hex digits");
    // Function Compute's own example for triggers signs the empty text in place of a hash.
    if (!isApi && bodySha256 !== "" && bodySha256 !== EMPTY_SHA256) {
      throw denied(
        `a gRPC call is signed before its messages: x-acs-content-sha256 must be that of no body, ${EMPTY_SHA256}`,
      );
    }
    const expected = acs3Signature(request, signedHeaders, bodySha256, secret);
    compareSignatures(expected, Buffer.from(authorization.signature, "hex"));
    this.#checkNonce(accessKeyId, optional(headers, "x-acs-signature-nonce"), datedAt, nowAt);
    return { accessKeyId, bodySha256 };
  }

  #fc(request: SignedRequest, header: string, nowAt: number): Verified {
    const { accessKeyId, signature } = parseBase64("FC", header);
    const secret = this.#secretOf(accessKeyId);
    checkedDate("date", only(request.headers, "date"), nowAt);
    const { form } = this.#options;
    if (!areSame(fcSignature(request, form, secret, "sent"), signature)) {
      compareSignatures(fcSignature(request, form, secret), signature);
    }
    const contentMd5 = optional(request.headers, "content-md5");
    return { accessKeyId, ...(contentMd5 !== "" && { contentMd5 }) };
  }

  #acsRoa(request: SignedRequest, header: string, nowAt: number): Verified {
    const { headers } = request;
    const { accessKeyId, signature } = parseBase64("acs", header);
    const secret = this.#secretOf(accessKeyId);
    const datedAt = checkedDate("date", only(headers, "date"), nowAt);
    const nonce = only(headers, "x-acs-signature-nonce");
    compareSignatures(acsRoaSignature(request, secret), signature);
    this.#checkNonce(accessKeyId, nonce, datedAt, nowAt);
    const contentMd5 = optional(headers, "content-md5");
    const bodySha256 = optional(headers, "x-acs-content-sha256");
    return { accessKeyId, ...(contentMd5 !== "" && { contentMd5 }), ...(bodySha256 !== "" && { bodySha256 }) };
  }

  #secretOf(accessKeyId: string): string {
    const secret = this.#options.secretOf(accessKeyId);
    if (secret !== undefined) return secret;
    throw new SignatureRefusal(
      "InvalidAccessKeyID",
      `invalid access key ID '${accessKeyId}': there is no such key here, or it is disabled`,
    );
  }

  /** Only now: a nonce counts as used by a request that is really signed. */
  #checkNonce(accessKeyId: string, nonce: string, datedAt: number, nowAt: number): void {
    if (nonce === "") return;
    if (nonce.length > NONCE_MAX_CHARS) {
      throw denied(`x-acs-signature-nonce is longer than ${NONCE_MAX_CHARS} characters`);
    }
    if (this.#nonces.add(`${accessKeyId} ${nonce}`, datedAt, nowAt)) return;
    throw new SignatureRefusal(
      "SignatureNonceUsed",
      "The signature nonce has been used already: sign each request anew",
    );
  }
}

/** Checks form and skew; epoch ms. */
function checkedDate(name: "date" | "x-acs-date", text: string, nowAt: number): number {
  const [form, example] =
    name === "date"
      ? [/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/, "Thu, 01 Jan 2026 00:00:00 GMT"]
      : [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "2026-01-01T00:00:00Z"];
  const at = form.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw denied(`${name} is not written as ${example}`);
  if (Math.abs(nowAt - at) <= SKEW_MAX_MS) return at;
  const now = new Date(nowAt).toISOString();
  throw denied(`${name} ${text} is more than 15 minutes from this machine's time ${now}: set the clock`);
}

function parseBase64(scheme: string, header: string): { accessKeyId: string; signature: Buffer } {
  const match = /^[A-Za-z]+ ([^:\s]{1,128}):([A-Za-z0-9+/]{27,43}=)$/.exec(header);
  const [, accessKeyId = "", signature = ""] = match ?? [];
  if (match !== null) return { accessKeyId, signature: Buffer.from(signature, "base64") };
  throw denied(`the Authorization header is not written as ${scheme} <access key id>:<signature in base64>`);
}

function areSame(expected: Buffer, received: Buffer): boolean {
  return expected.length === received.length && timingSafeEqual(expected, received);
}

function compareSignatures(expected: Buffer, received: Buffer): void {
  if (areSame(expected, received)) return;
  throw new SignatureRefusal(
    "SignatureNotMatch",
    "The signature is not that of this request: check the access key secret, and that nothing between client and server changes host, path or query",
  );
}
