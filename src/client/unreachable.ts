/** Why no answer came, in words. */
import type { ClientRequest } from "node:http";
import { ApiError, UNREACHABLE, UNTRUSTED } from "./api-error.ts";

/** A host that does not even refuse is given up after this time; systems wait for minutes. */
const CONNECT_TIMEOUT_MS = 10_000;

const WHY_UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host name",
  EAI_AGAIN: "the host name cannot be looked up",
  ETIMEDOUT: `the host does not answer within ${CONNECT_TIMEOUT_MS / 1000} s`,
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "there is no way to its network",
  EPROTO: "what listens there speaks no TLS: is it http:// that is meant?",
};

const CA_ADVICE = "name that Sluice's tls/ca.pem in SLUICE_CA_FILE ('sluice env --remote' there prints it)";
const UNKNOWN_ISSUER = `its certificate is of a CA that is not trusted here: ${CA_ADVICE}`;
const CLOCK_ADVICE = "compare this machine's clock with the other's";

/** By the codes of OpenSSL and Node.js. */
const WHY_UNTRUSTED: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_ISSUER,
  CERT_SIGNATURE_FAILURE: UNKNOWN_ISSUER,
  CERT_HAS_EXPIRED: `its certificate has ended: ${CLOCK_ADVICE}`,
  CERT_NOT_YET_VALID: `its certificate is not valid yet: ${CLOCK_ADVICE}`,
};

/** The error for a connection that failed, with code `Untrusted` where it is the certificate that is not accepted. */
export function unreachable(url: URL, cause: NodeJS.ErrnoException): ApiError {
  const { code = "" } = cause;
  const untrusted = code === "ERR_TLS_CERT_ALTNAME_INVALID" ? otherName(url) : WHY_UNTRUSTED[code];
  if (untrusted !== undefined) return errorOf(UNTRUSTED, `${url.origin} is not trusted: ${untrusted}`, cause);
  const why = WHY_UNREACHABLE[code] ?? (cause.message || code || "connection failed");
  return errorOf(UNREACHABLE, `no answer from ${url.origin}: ${why}`, cause);
}

/** Ends a request that has no connection after CONNECT_TIMEOUT_MS. */
export function limitConnecting(request: ClientRequest): void {
  request.once("socket", (socket) => {
    if (!socket.connecting) return;
    const giveUp = () => socket.destroy(Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" }));
    socket.setTimeout(CONNECT_TIMEOUT_MS, giveUp);
    socket.once("connect", () => socket.setTimeout(0).off("timeout", giveUp));
  });
}

function otherName(url: URL): string {
  return `its certificate is not for ${url.hostname}: ask it by a name or address that it is for`;
}

function errorOf(code: string, message: string, cause: Error): ApiError {
  return new ApiError({ code, status: 0, requestId: "", message }, { cause });
}
