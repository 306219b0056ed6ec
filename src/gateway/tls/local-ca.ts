import { X509Certificate } from "node:crypto";
import { mkdirSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from "@peculiar/asn1-x509";
import "reflect-metadata"; // which tsyringe, below @peculiar/x509, asks for
import * as x509 from "@peculiar/x509";
import {
  type AuthorityFiles,
  type CertificateAuthority,
  createAuthority,
  DAY_MS,
  issueLeaf,
  loadAuthority,
  RENEW_DAYS,
  readIfThere,
  writeWhole,
} from "./authority.ts";
import type { CertificatePair } from "./certificate-store.ts";

/** OID of the name constraints extension (RFC 5280 §4.2.1.10). */
const NAME_CONSTRAINTS = "2.5.29.30";

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

interface LeafFiles {
  readonly certificate: string;
  readonly key: string;
}

function subjectsOf(names: CertifiedNames): string[] {
  return [...new Set([`*.${names.zone}`, names.zone, "localhost", "127.0.0.1", "::1", ...names.hosts])];
}

async function loadCa(
  files: AuthorityFiles,
  names: CertifiedNames,
  nowEpochMs: number,
): Promise<CertificateAuthority | undefined> {
  const ca = await loadAuthority(files, nowEpochMs);
  const constraints = ca?.certificate.getExtension(NAME_CONSTRAINTS);
  if (ca === undefined || constraints === null || constraints === undefined) return undefined;
  const wanted = Buffer.from(AsnConvert.serialize(nameConstraints(names)));
  return Buffer.from(constraints.value).equals(wanted) ? ca : undefined;
}

function createCa(files: AuthorityFiles, names: CertifiedNames, nowEpochMs: number): Promise<CertificateAuthority> {
  const constraints = new x509.Extension(NAME_CONSTRAINTS, true, AsnConvert.serialize(nameConstraints(names)));
  return createAuthority(files, "Sluice local CA", [constraints], nowEpochMs);
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
  const pair = await issueLeaf(ca, subjects, nowEpochMs);
  writeWhole(files.key, pair.privateKeyPem, 0o600);
  writeWhole(files.certificate, pair.certificatePem, 0o644);
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
