import { createHash, type Hash } from "node:crypto";
import type { Verified } from "../../signing/signing.ts";
import { ApiError } from "../api-error.ts";

/** What a signature says of the body; nothing where its scheme does not cover it. */
export type SignedBody = Pick<Verified, "bodySha256" | "contentMd5">;

/** Compares a body with what was signed of it. */
export class BodyCheck {
  readonly #signed: SignedBody;
  readonly #sha256: Hash | undefined;
  readonly #md5: Hash | undefined;

  constructor(signed: SignedBody) {
    this.#signed = signed;
    this.#sha256 = signed.bodySha256 === undefined ? undefined : createHash("sha256");
    this.#md5 = signed.contentMd5 === undefined ? undefined : createHash("md5");
  }

  update(chunk: Uint8Array): void {
    this.#sha256?.update(chunk);
    this.#md5?.update(chunk);
  }

  /** Throws an ApiError where the body is another one. */
  end(): void {
    const { bodySha256, contentMd5 = "" } = this.#signed;
    if (this.#sha256 !== undefined && this.#sha256.digest("hex") !== bodySha256)
      throw anotherBody("x-acs-content-sha256");
    const md5 = this.#md5?.digest();
    if (md5 !== undefined && !md5Texts(md5).includes(contentMd5)) throw anotherBody("Content-MD5");
  }
}

/** How the header is written: RFC 1864, the Go SDK (hex), fc2 (base64 of the hex text). */
function md5Texts(md5: Buffer): readonly string[] {
  const hex = md5.toString("hex");
  return [md5.toString("base64"), hex, Buffer.from(hex).toString("base64")];
}

function anotherBody(header: string): ApiError {
  return new ApiError("SignatureNotMatch", `The body is not the one that was signed (${header})`);
}
