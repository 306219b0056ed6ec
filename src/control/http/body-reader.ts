import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Verified } from "../../signing/signing.ts";
import { ApiError } from "../api-error.ts";

/** All bodies that are being read or worked on, together. */
const IN_FLIGHT_MAX_BYTES = 512 * 1024 ** 2;

/** A body in memory, and its share of what all may hold; dispose of that when the request is answered. */
export interface ReadBody {
  readonly bytes: Buffer;
  readonly share: Disposable;
}

/** What a signature says of the body; nothing where its scheme does not cover it. */
export type SignedBody = Pick<Verified, "bodySha256" | "contentMd5">;

/** Reads bodies within a limit for each and one for all. */
export class BodyReader {
  readonly #inFlightMaxBytes: number;
  #inFlightBytes = 0;

  constructor(inFlightMaxBytes = IN_FLIGHT_MAX_BYTES) {
    this.#inFlightMaxBytes = inFlightMaxBytes;
  }

  /** Reads to the end and compares with the hashes that were signed. Rejects with an ApiError. */
  async read(incoming: IncomingMessage, sizeMaxBytes: number, signed: SignedBody): Promise<ReadBody> {
    const check = new BodyCheck(signed);
    let sizeBytes = 0;
    const release = () => {
      this.#inFlightBytes -= sizeBytes;
      sizeBytes = 0;
    };
    // Where the length is declared, the body is gathered in place: a large one is in memory once.
    const declaredBytes = Number(incoming.headers["content-length"] ?? 0);
    const whole = Buffer.allocUnsafe(Math.min(declaredBytes, sizeMaxBytes));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        const before = sizeBytes;
        sizeBytes += chunk.length;
        this.#inFlightBytes += chunk.length;
        if (sizeBytes > sizeMaxBytes) {
          throw new ApiError("EntityTooLarge", `payload size exceeds maximum allowed size (${sizeMaxBytes} bytes)`);
        }
        if (this.#inFlightBytes > this.#inFlightMaxBytes) {
          throw new ApiError("ResourceThrottled", "Too many large uploads at once: try again when they are done");
        }
        check.update(chunk);
        if (sizeBytes <= whole.length) chunk.copy(whole, before);
        else chunks.push(chunk);
      }
      check.end();
      const bytes = chunks.length === 0 ? whole : Buffer.concat(chunks);
      return { bytes, share: { [Symbol.dispose]: release } };
    } catch (error) {
      release();
      if (incoming.errored === error) throw new ApiError("InvalidArgument", "The body ended early", { cause: error });
      throw error;
    }
  }
}

/** Compares a body with what was signed of it. */
class BodyCheck {
  readonly #signed: SignedBody;
  readonly #sha256: Hash | undefined;
  readonly #md5: Hash | undefined;

  constructor(signed: SignedBody) {
    this.#signed = signed;
    this.#sha256 = signed.bodySha256 === undefined ? undefined : createHash("sha256");
    this.#md5 = signed.contentMd5 === undefined ? undefined : createHash("md5");
  }

  update(chunk: Buffer): void {
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
