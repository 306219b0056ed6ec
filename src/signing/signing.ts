/**
 * Front door of src/signing: how requests of the API and calls of functions are signed and verified. Pure; whoever
 * signs, verifies or reads a signature does it here.
 */
export { sha256Hex, signAcs3, strictEncode } from "./acs3.ts";
export { type FcForm, signFc } from "./fc.ts";
export {
  type AccessKey,
  type HeaderValues,
  headerValues,
  type RefusalCode,
  SignatureRefusal,
  type SignedRequest,
} from "./signed-request.ts";
export { SignatureVerifier, SKEW_MAX_MS, type Verified, type VerifierOptions } from "./verifier.ts";
