import type { Clock } from "../../base/base.ts";
import { SignatureRefusal, SignatureVerifier, type SignedRequest, type Verified } from "../../signing/signing.ts";
import { ApiError } from "../api-error.ts";
import type { KeyRing } from "./key-ring.ts";

/** Decides whether a request of the API is from the holder of an active key, in the API's errors. */
export class Authenticator {
  readonly #verifier: SignatureVerifier;
  readonly #clock: Clock;

  constructor(keyRing: KeyRing, clock: Clock) {
    this.#verifier = new SignatureVerifier({ form: "api", secretOf: (id) => keyRing.secretOf(id) });
    this.#clock = clock;
  }

  /** Checks all but the body, which must then be as the answer says. Throws an ApiError. */
  check(request: SignedRequest): Verified {
    try {
      return this.#verifier.verify(request, this.#clock.epochMs());
    } catch (error) {
      if (error instanceof SignatureRefusal) throw new ApiError(error.code, error.message);
      throw error;
    }
  }
}
