/** A certificate authority of our own, kept in two files, and the certificates that it issues. */
import { randomBytes, webcrypto } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import "reflect-metadata"; // which tsyringe, below @peculiar/x509, asks for
import * as x509 from "@peculiar/x509";
import type { CertificatePair } from "./certificate-store.ts";

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

x509.cryptoProvider.set(webcrypto as never);

export const DAY_MS = 24 * 3_600_000;
const CA_DAYS = 3650;
/** Below the 398 days that clients accept (CA/Browser Forum Baseline Requirements). */
const LEAF_DAYS = 390;
/** A certificate is made anew this long before it ends. */
export const RENEW_DAYS = 30;

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Where an authority is kept; the key is readable by its owner alone. */
export interface AuthorityFiles {
  readonly ca: string;
  readonly caKey: string;
}

export interface CertificateAuthority {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: CryptoKey;
}

/** What is kept; undefined where nothing is, or where it ends before a certificate that it would issue now. */
export async function loadAuthority(
  files: AuthorityFiles,
  nowEpochMs: number,
): Promise<CertificateAuthority | undefined> {
  const certificatePem = readIfThere(files.ca);
  const keyPem = readIfThere(files.caKey);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  const certificate = new x509.X509Certificate(certificatePem);
  if (certificate.notAfter.getTime() - nowEpochMs < (LEAF_DAYS + RENEW_DAYS) * DAY_MS) return undefined;
  return { certificate, privateKey: await importKey(keyPem) };
}

/** Makes an authority in place of what is kept. A random number ends its name. */
export async function createAuthority(
  files: AuthorityFiles,
  name: string,
  extensions: readonly x509.Extension[],
  nowEpochMs: number,
): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name} ${serialNumber().slice(0, 8)}`,
    notBefore: new Date(nowEpochMs - DAY_MS),
    notAfter: new Date(nowEpochMs + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeWhole(files.caKey, await exportKey(keys.privateKey), 0o600);
  writeWhole(files.ca, certificate.toString("pem"), 0o644);
  return { certificate, privateKey: keys.privateKey };
}

/** A server's certificate for names and addresses. */
export async function issueLeaf(
  ca: CertificateAuthority,
  subjects: readonly string[],
  nowEpochMs: number,
): Promise<CertificatePair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=Sluice",
    issuer: ca.certificate.subject,
    notBefore: new Date(nowEpochMs - DAY_MS),
    notAfter: new Date(nowEpochMs + LEAF_DAYS * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(subjects.map(toGeneralName)),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
    ],
  });
  return { certificatePem: certificate.toString("pem"), privateKeyPem: await exportKey(keys.privateKey) };
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** By rename: a reader sees the old text or the new one. */
export function writeWhole(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

function toGeneralName(subject: string): { type: "dns" | "ip"; value: string } {
  return { type: isIP(subject) === 0 ? "dns" : "ip", value: subject };
}

async function generateKeys(): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"])) as CryptoKeyPair;
}

async function importKey(pem: string): Promise<CryptoKey> {
  const bytes = x509.PemConverter.decodeFirst(pem);
  return (await webcrypto.subtle.importKey("pkcs8", bytes, KEY_ALGORITHM, true, ["sign"])) as CryptoKey;
}

async function exportKey(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key as never), "PRIVATE KEY");
}

function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] as number) & 0x7f;
  return bytes.toString("hex");
}
