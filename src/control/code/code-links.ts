import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/base.ts";

/** How long a link is good (Function Compute's are good for a while, too). */
const GOOD_FOR_MS = 10 * 60 * 1000;

/** Links to code packages that need no signature of the caller's: they carry their own, and end. */
export class CodeLinks {
  readonly #clock: Clock;
  /** Of this process: its links end with it. */
  readonly #secret = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The query of a link to the package. */
  queryFor(sha256: string): string {
    const expires = Math.floor((this.#clock.epochMs() + GOOD_FOR_MS) / 1000);
    return `expires=${expires}&signature=${this.#sign(sha256, String(expires)).toString("hex")}`;
  }

  /** Whether a link leads to the package; `expired`: it did. */
  check(sha256: string, expires: string, signature: string): "good" | "expired" | "wrong" {
    const given = Buffer.from(signature, "hex");
    const expected = this.#sign(sha256, expires);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "wrong";
    return Number(expires) * 1000 > this.#clock.epochMs() ? "good" : "expired";
  }

  #sign(sha256: string, expires: string): Buffer {
    return createHmac("sha256", this.#secret).update(`${sha256}\n${expires}`).digest();
  }
}
