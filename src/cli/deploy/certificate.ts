import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Place, YamlError } from "../s-yaml/node.ts";

/** Certificate and key of a custom domain. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The pair that s.yaml gives, as PEM texts or as files relative to its folder. Throws a YamlError where one is no PEM,
 * or they do not belong together.
 */
export function readCertificate(given: CertificatePair, folder: string, place: Place): CertificatePair {
  const certificate = readPem(given.certificate, "certificate", folder, place);
  const privateKey = readPem(given.privateKey, "privateKey", folder, place);
  const parse = <T>(key: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw new YamlError(place, `certConfig.${key}: expected PEM that can be read: ${(error as Error).message}`);
    }
  };
  const leaf = parse("certificate", () => new X509Certificate(certificate));
  const key = parse("privateKey", () => createPrivateKey(privateKey));
  if (!leaf.checkPrivateKey(key)) {
    throw new YamlError(
      place,
      "certConfig.privateKey: expected the key of the certificate, got the key of another one",
    );
  }
  return { certificate, privateKey };
}

function readPem(value: string, key: string, folder: string, place: Place): string {
  if (value.includes("-----BEGIN ")) return value;
  const path = resolve(folder, value);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new YamlError(
      place,
      `certConfig.${key}: expected PEM text or a file with it, but ${path} cannot be read: ${(error as Error).message}`,
    );
  }
}
