import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { DomainCertificate } from "../../model/model.ts";
import { invalid } from "../api-error.ts";

const RSA_MIN_BITS = 2048;

/**
 * Throws InvalidArgument unless the pair can be served at `nowAt` (epoch ms). Never repeats the key. What clients may not
 * like about it is told as warnings: see `certificateConcerns`.
 */
export function checkCertificate(pair: DomainCertificate, nowAt: number): void {
  const certificate = parseCertificate(pair.certificate);
  const key = parseKey(pair.privateKey);
  if (!certificate.checkPrivateKey(key)) {
    invalid("certConfig.privateKey: expected the key of certConfig.certificate, got another one");
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < RSA_MIN_BITS) {
    invalid(`certConfig.privateKey: expected an RSA key of at least ${RSA_MIN_BITS} bits, got ${bits}`);
  }
  if (certificate.validToDate.getTime() <= nowAt) {
    invalid(`certConfig.certificate: expected one that is not expired, got one valid to ${certificate.validTo}`);
  }
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    return invalid("certConfig.certificate: expected an X.509 certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    return invalid("certConfig.privateKey: expected a private key in PEM without passphrase");
  }
}
