import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";

/** A certificate with its key, as PEM. The certificate may be followed by its chain. */
export interface CertificatePair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** What is shown where no custom domain's certificate is. */
export interface OwnCertificates {
  /** For clients that name no server. */
  readonly defaultCertificate: CertificatePair;
  /** For those that name one. */
  readonly namedCertificate: CertificatePair;
}

/** One certificate as the gateway shows it. */
export class ServedCertificate {
  readonly context: SecureContext;
  readonly #certificate: X509Certificate;
  readonly #covered = new Map<string, boolean>();

  /** Throws where the pair is unusable: not PEM, or a key that does not match. */
  constructor(pair: CertificatePair) {
    this.#certificate = new X509Certificate(pair.certificatePem);
    // createSecureContext() takes an empty key for none, and every handshake would fail.
    if (!this.#certificate.checkPrivateKey(createPrivateKey(pair.privateKeyPem))) {
      throw new Error("The private key does not belong to the certificate");
    }
    this.context = createSecureContext({ cert: pair.certificatePem, key: pair.privateKeyPem, minVersion: "TLSv1.2" });
  }

  /** Whether a client that verifies names would accept it for `host`, a name or an IP address (RFC 6125). */
  covers(host: string): boolean {
    const known = this.#covered.get(host);
    if (known !== undefined) return known;
    const covered = this.#names(host);
    if (this.#covered.size < 1000) this.#covered.set(host, covered);
    return covered;
  }

  #names(host: string): boolean {
    try {
      const found = isIP(host) === 0 ? this.#certificate.checkHost(host) : this.#certificate.checkIP(host);
      return found !== undefined;
    } catch {
      return false; // What is no name at all is in no certificate.
    }
  }
}

/**
 * The certificates by name: that of a custom domain, else the one for names of Sluice's own, and the default one for
 * clients that name no server. Changes hold from the next handshake on.
 */
export class CertificateStore {
  readonly #byHost = new Map<string, ServedCertificate>();
  #default: ServedCertificate;
  #named: ServedCertificate;

  constructor(own: OwnCertificates) {
    this.#default = new ServedCertificate(own.defaultCertificate);
    this.#named = new ServedCertificate(own.namedCertificate);
  }

  /** Throws for an unusable pair; the old ones then stay, both. */
  setOwn(own: OwnCertificates): void {
    const named = new ServedCertificate(own.namedCertificate);
    this.#default = new ServedCertificate(own.defaultCertificate);
    this.#named = named;
  }

  /** `host` is lower case and may begin with `*.`. Throws for an unusable pair; the old one then stays. */
  put(host: string, pair: CertificatePair): void {
    this.#byHost.set(host, new ServedCertificate(pair));
  }

  delete(host: string): void {
    this.#byHost.delete(host);
  }

  /** The certificate shown for a server name (SNI), lower case, or for none. */
  find(serverName: string | undefined): ServedCertificate {
    if (serverName === undefined || serverName === "") return this.#default;
    const dot = serverName.indexOf(".");
    const wildcard = dot < 0 ? undefined : this.#byHost.get(`*${serverName.slice(dot)}`);
    return this.#byHost.get(serverName) ?? wildcard ?? this.#named;
  }
}
