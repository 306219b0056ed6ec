import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ApiError } from "../api-error.ts";

/** All bodies that are being read or worked on, together. */
const IN_FLIGHT_MAX_BYTES = 512 * 1024 ** 2;

/** A body in memory, and its share of what all may hold; dispose of that when the request is answered. */
export interface ReadBody {
  readonly bytes: Buffer;
  readonly share: Disposable;
}

/** Reads bodies within a limit for each and one for all. */
export class BodyReader {
  readonly #inFlightMaxBytes: number;
  #inFlightBytes = 0;

  constructor(inFlightMaxBytes = IN_FLIGHT_MAX_BYTES) {
    this.#inFlightMaxBytes = inFlightMaxBytes;
  }

  /** Reads to the end and compares the hash (lower-case hex). Rejects with an ApiError. */
  async read(incoming: IncomingMessage, sizeMaxBytes: number, sha256: string): Promise<ReadBody> {
    const hash = createHash("sha256");
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
        hash.update(chunk);
        if (sizeBytes <= whole.length) chunk.copy(whole, before);
        else chunks.push(chunk);
      }
      if (hash.digest("hex") !== sha256) {
        throw new ApiError("SignatureNotMatch", "The body is not the one that was signed (x-acs-content-sha256)");
      }
      const bytes = chunks.length === 0 ? whole : Buffer.concat(chunks);
      return { bytes, share: { [Symbol.dispose]: release } };
    } catch (error) {
      release();
      if (incoming.errored === error) throw new ApiError("InvalidArgument", "The body ended early", { cause: error });
      throw error;
    }
  }
}
