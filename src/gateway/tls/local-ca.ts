import { randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from "@peculiar/asn1-x509";
import "reflect-metadata"; // which tsyringe, below @peculiar/x509, asks for
import * as x509 from "@peculiar/x509";
import type { CertificatePair } from "./certificate-store.ts";

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

x509.cryptoProvider.set(webcrypto as never);

const DAY_MS = 24 * 3_600_000;
const CA_DAYS = 3650;
/** Below the 398 days that clients accept (CA/Browser Forum Baseline Requirements). */
const LEAF_DAYS = 390;
/** A certificate is made anew this long before it ends. */
const RENEW_DAYS = 30;

/** OID of the name constraints extension (RFC 5280 §4.2.1.10). */
const NAME_CONSTRAINTS = "2.5.29.30";

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** What the local CA may vouch for. */
export interface CertifiedNames {
  /** Zone of the generated host names, `<region>.<domain>`. */
  readonly zone: string;
  /** Addresses of the gRPC port beside the loopback ones: IP addresses or names. */
  readonly hosts: readonly string[];
}

/** The local CA of one data directory with the gateway's default certificate. */
export interface LocalCa {
  /** PEM file that clients verify with. */
  readonly caFile: string;
  /** For clients that name no server: all names and addresses. */
  readonly defaultCertificate: CertificatePair;
  /**
   * For clients that name a server: the names alone. BoringSSL, which gRPC's Python and C++ clients verify with, cannot
   * check a constraint on addresses, and refuses a certificate that needs the check.
   */
  readonly namedCertificate: CertificatePair;
  /** From when on another call makes them anew, Unix epoch milliseconds. */
  readonly renewAt: number;
}

/**
 * The local CA below `directory`: made at the first start, name-constrained to what Sluice itself serves, so that
 * trusting it lets nobody impersonate other sites. Made anew when the names change or the certificate is about to end;
 * private keys are readable by their owner alone.
 */
export async function loadOrCreateLocalCa(
  directory: string,
  names: CertifiedNames,
  nowEpochMs: number,
): Promise<LocalCa> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = { ca: join(directory, "ca.pem"), caKey: join(directory, "ca.key") };
  const subjects = subjectsOf(names);
  const ca = (await loadCa(files, names, nowEpochMs)) ?? (await createCa(files, names, nowEpochMs));
  const leaf = (name: string) => ({ certificate: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) });
  const defaultCertificate = await leafFor(leaf("default"), ca, subjects, nowEpochMs);
  const namesOnly = subjects.filter((subject) => isIP(subject) === 0);
  const namedCertificate = await leafFor(leaf("named"), ca, namesOnly, nowEpochMs);
  const ends = [defaultCertificate, namedCertificate].map((pair) => endOf(pair.certificatePem));
  return { caFile: files.ca, defaultCertificate, namedCertificate, renewAt: Math.min(...ends) - RENEW_DAYS * DAY_MS };
}

interface CaFiles {
  readonly ca: string;
  readonly caKey: string;
}

interface LeafFiles {
  readonly certificate: string;
  readonly key: string;
}

interface CertificateAuthority {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: CryptoKey;
}

function subjectsOf(names: CertifiedNames): string[] {
  return [...new Set([`*.${names.zone}`, names.zone, "localhost", "127.0.0.1", "::1", ...names.hosts])];
}

function toGeneralName(subject: string): { type: "dns" | "ip"; value: string } {
  return { type: isIP(subject) === 0 ? "dns" : "ip", value: subject };
}

async function loadCa(
  files: CaFiles,
  names: CertifiedNames,
  nowEpochMs: number,
): Promise<CertificateAuthority | undefined> {
  const certificatePem = readIfThere(files.ca);
  const keyPem = readIfThere(files.caKey);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  const certificate = new x509.X509Certificate(certificatePem);
  const constraints = certificate.getExtension(NAME_CONSTRAINTS);
  const wanted = Buffer.from(AsnConvert.serialize(nameConstraints(names)));
  if (constraints === null || !Buffer.from(constraints.value).equals(wanted)) return undefined;
  if (certificate.notAfter.getTime() - nowEpochMs < (LEAF_DAYS + RENEW_DAYS) * DAY_MS) return undefined;
  return { certificate, privateKey: await importKey(keyPem) };
}

async function createCa(files: CaFiles, names: CertifiedNames, nowEpochMs: number): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const constraints = AsnConvert.serialize(nameConstraints(names));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=Sluice local CA ${serialNumber().slice(0, 8)}`,
    notBefore: new Date(nowEpochMs - DAY_MS),
    notAfter: new Date(nowEpochMs + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(NAME_CONSTRAINTS, true, constraints),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeFile(files.caKey, await exportKey(keys.privateKey), 0o600);
  writeFile(files.ca, certificate.toString("pem"), 0o644);
  return { certificate, privateKey: keys.privateKey };
}

/** The leaf that is kept, or a new one where it does not fit (any more). */
async function leafFor(
  files: LeafFiles,
  ca: CertificateAuthority,
  subjects: readonly string[],
  nowEpochMs: number,
): Promise<CertificatePair> {
  return loadLeaf(files, ca.certificate, subjects, nowEpochMs) ?? (await createLeaf(files, ca, subjects, nowEpochMs));
}

function endOf(certificatePem: string): number {
  return new X509Certificate(certificatePem).validToDate.getTime();
}

function loadLeaf(
  files: LeafFiles,
  ca: x509.X509Certificate,
  subjects: readonly string[],
  nowEpochMs: number,
): CertificatePair | undefined {
  const certificatePem = readIfThere(files.certificate);
  const privateKeyPem = readIfThere(files.key);
  if (certificatePem === undefined || privateKeyPem === undefined) return undefined;
  const leaf = new X509Certificate(certificatePem);
  const issued = leaf.checkIssued(new X509Certificate(ca.toString("pem")));
  if (!issued || endOf(certificatePem) - nowEpochMs < RENEW_DAYS * DAY_MS) return undefined;
  const dnsNames = (leaf.subjectAltName ?? "").split(", ");
  const covered = subjects.every((subject) =>
    isIP(subject) === 0 ? dnsNames.includes(`DNS:${subject}`) : leaf.checkIP(subject) !== undefined,
  );
  return covered ? { certificatePem, privateKeyPem } : undefined;
}

async function createLeaf(
  files: LeafFiles,
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
  const pair = { certificatePem: certificate.toString("pem"), privateKeyPem: await exportKey(keys.privateKey) };
  writeFile(files.key, pair.privateKeyPem, 0o600);
  writeFile(files.certificate, pair.certificatePem, 0o644);
  return pair;
}

/** Only names of Sluice's own zone, of this machine and of the chosen addresses (RFC 5280 §4.2.1.10). */
function nameConstraints(names: CertifiedNames): NameConstraints {
  const permitted = [names.zone, "localhost", "127.0.0.1", "::1", ...names.hosts].map((subject) => {
    const base =
      isIP(subject) === 0
        ? new GeneralName({ dNSName: subject })
        : new GeneralName({ iPAddress: `${subject}/${isIP(subject) === 4 ? 32 : 128}` });
    return new GeneralSubtree({ base, minimum: 0 });
  });
  return new NameConstraints({ permittedSubtrees: new GeneralSubtrees(permitted) });
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

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function writeFile(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}
