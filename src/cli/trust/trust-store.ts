/** The trust stores of systems: where CAs are put for every program, and what takes them in. */
import type { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";

/** A step of a change: a file, or a command. */
export type TrustStep =
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "run"; readonly command: readonly [string, ...string[]] };

/** One system's store. */
export interface TrustStore {
  readonly name: string;
  install(ca: LocalCaFile): readonly TrustStep[];
  /** `installed`: what stands in `directory` now. */
  remove(ca: LocalCaFile, installed: readonly string[]): readonly TrustStep[];
  /** Folder of the files that `install` writes; absent where it writes none. */
  readonly directory?: string;
}

/** The local CA as it is to be trusted. */
export interface LocalCaFile {
  readonly path: string;
  readonly pem: string;
  readonly certificate: X509Certificate;
}

const FILE_PREFIX = "sluice-local-ca-";

/** OID 2.5.29.30 in DER: the extension of name constraints (RFC 5280 §4.2.1.10). */
const NAME_CONSTRAINTS = Buffer.from("0603551d1e", "hex");

/** Whether a CA may vouch for some names alone. One that may vouch for all is never installed. */
export function isNameConstrained(certificate: X509Certificate): boolean {
  return certificate.ca && certificate.raw.includes(NAME_CONSTRAINTS);
}

/** Stores made of a folder and a command that reads it. */
const FOLDERS = [
  {
    name: "Debian's",
    directory: "/usr/local/share/ca-certificates",
    extension: ".crt",
    install: ["update-ca-certificates"],
    // Without --fresh the links to a file that is gone stay.
    remove: ["update-ca-certificates", "--fresh"],
  },
  {
    name: "Fedora's",
    directory: "/etc/pki/ca-trust/source/anchors",
    extension: ".pem",
    install: ["update-ca-trust", "extract"],
    remove: ["update-ca-trust", "extract"],
  },
  {
    name: "Arch Linux's",
    directory: "/etc/ca-certificates/trust-source/anchors",
    extension: ".pem",
    install: ["update-ca-trust"],
    remove: ["update-ca-trust"],
  },
] as const;

/** This system's store; undefined where it is none that is known. `exists`: whether a path is there. */
export function trustStore(
  platform: NodeJS.Platform,
  exists: (path: string) => boolean = existsSync,
): TrustStore | undefined {
  if (platform === "darwin") return keychain;
  const found = FOLDERS.find(({ directory }) => exists(directory));
  return found && folderStore(found);
}

function folderStore({ name, directory, extension, install, remove }: (typeof FOLDERS)[number]): TrustStore {
  return {
    name: `${name} trust store (${directory})`,
    directory,
    install: ({ certificate, pem }) => [
      { kind: "write", path: `${directory}/${FILE_PREFIX}${shortFingerprint(certificate)}${extension}`, text: pem },
      { kind: "run", command: [...install] },
    ],
    remove: (_ca, installed) => {
      const ours = installed.filter((file) => file.startsWith(FILE_PREFIX) && file.endsWith(extension));
      if (ours.length === 0) return [];
      const deletions = ours.map((file) => ({ kind: "delete", path: `${directory}/${file}` }) as const);
      return [...deletions, { kind: "run", command: [...remove] }];
    },
  };
}

const SYSTEM_KEYCHAIN = "/Library/Keychains/System.keychain";

const keychain: TrustStore = {
  name: `the system's keychain (${SYSTEM_KEYCHAIN})`,
  install: ({ path }) => [
    { kind: "run", command: ["security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", SYSTEM_KEYCHAIN, path] },
  ],
  remove: ({ path, certificate }) => [
    { kind: "run", command: ["security", "remove-trusted-cert", "-d", path] },
    {
      kind: "run",
      command: ["security", "delete-certificate", "-Z", certificate.fingerprint.replaceAll(":", ""), SYSTEM_KEYCHAIN],
    },
  ],
};

function shortFingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").slice(0, 16).toLowerCase();
}
