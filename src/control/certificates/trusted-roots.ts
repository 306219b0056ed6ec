import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";

/** CAs that clients know without being told: Mozilla's list as Node.js ships it, and this system's own. */
export class TrustedRoots {
  readonly #bySubject = new Map<string, X509Certificate[]>();

  constructor(pems: readonly string[]) {
    for (const pem of pems) {
      const root = parsed(pem);
      if (root === undefined) continue;
      const others = this.#bySubject.get(root.subject);
      if (others === undefined) this.#bySubject.set(root.subject, [root]);
      else others.push(root);
    }
  }

  /** Whether the leaf leads, over the certificates of its chain, to a CA that clients know (RFC 5280 §6). */
  verifies(leaf: X509Certificate, chain: readonly X509Certificate[]): boolean {
    const left = new Set(chain);
    let current = leaf;
    for (;;) {
      if (this.#issued(current)) return true;
      const issuer = [...left].find((each) => isIssuer(each, current));
      if (issuer === undefined) return false;
      left.delete(issuer);
      current = issuer;
    }
  }

  #issued(certificate: X509Certificate): boolean {
    return (this.#bySubject.get(certificate.issuer) ?? []).some((root) => isIssuer(root, certificate));
  }
}

let known: TrustedRoots | undefined;

/** Read once, at the first certificate: some hundred to parse. */
export function trustedRoots(): TrustedRoots {
  known ??= new TrustedRoots([...getCACertificates("bundled"), ...getCACertificates("system")]);
  return known;
}

function isIssuer(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined; // A file of the system that is none names no CA.
  }
}
