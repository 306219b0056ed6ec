import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

/** A self-signed certificate and its key, PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** `rsaBits`: the key is an RSA key of so many bits. */
export async function makeCertificate(
  names: readonly string[],
  notAfter = new Date(Date.UTC(2126, 0, 1)),
  rsaBits?: number,
  notBefore = new Date(Date.UTC(2020, 0, 1)),
): Promise<CertificatePair> {
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", publicExponent: new Uint8Array([1, 0, 1]) };
  const algorithm = rsaBits === undefined ? ECDSA : { ...rsa, modulusLength: rsaBits };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=test",
      notBefore,
      notAfter,
      keys,
      signingAlgorithm: algorithm,
      extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
    },
    webcrypto as never,
  );
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificate: certificate.toString("pem"), privateKey: PemConverter.encode(key, "PRIVATE KEY") };
}
