import { constants } from "node:fs";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { Agent } from "node:https";
import { dirname } from "node:path";
import { rootCertificates } from "node:tls";
import type { AcmeSettings } from "../options.ts";

/** PEM texts: the certificate is followed by its chain. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Who answers the CA's challenges, of either type. */
export interface Challenges {
  putHttp(token: string, keyAuthorization: string): void;
  deleteHttp(token: string): void;
  putAlpn(host: string, pair: { readonly certificatePem: string; readonly privateKeyPem: string }): void;
  deleteAlpn(host: string): void;
}

/** One request to the CA. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Looks at an order or a challenge until it is decided: the waits grow from the first to the last, some three minutes in all. */
const LOOKS_MAX = 12;
const LOOK_FIRST_MS = 500;
const LOOK_LAST_MS = 30_000;
/** Of a request that the CA could not take (HTTP 429 or 5xx); after that the whole order is tried again later. */
const REQUEST_RETRIES_MAX = 2;

/** A CA that issues certificates by ACME (RFC 8555), under an account whose key is kept in a file of its own, mode 0600. */
export class AcmeAuthority {
  readonly #settings: AcmeSettings;
  readonly #accountKeyFile: string;
  readonly #challenges: Challenges;

  constructor(settings: AcmeSettings, accountKeyFile: string, challenges: Challenges) {
    this.#settings = settings;
    this.#accountKeyFile = accountKeyFile;
    this.#challenges = challenges;
  }

  /** A new certificate, with a new key. Rejects with an Error that says what the CA said. */
  async order(domainName: string): Promise<IssuedCertificate> {
    const { directoryUrl, contactEmail, caPem, challenge: wanted } = this.#settings;
    // Loaded with the first order: it brings an HTTP client of its own.
    const { default: acme } = await import("acme-client");
    acme.axios.defaults.timeout = REQUEST_TIMEOUT_MS;
    Object.assign(acme.axios.defaults, {
      acmeSettings: { retryMaxAttempts: REQUEST_RETRIES_MAX, retryDefaultDelay: 1 },
    });
    if (caPem !== "") acme.axios.defaults.httpsAgent = new Agent({ ca: [...rootCertificates, caPem] });
    const client = new acme.Client({
      directoryUrl,
      accountKey: await this.#accountKey(async () => (await acme.crypto.createPrivateEcdsaKey()).toString()),
      backoffAttempts: LOOKS_MAX,
      backoffMin: LOOK_FIRST_MS,
      backoffMax: LOOK_LAST_MS,
    });
    const [key, csr] = await acme.crypto.createCsr(
      { altNames: [domainName] },
      await acme.crypto.createPrivateEcdsaKey(),
    );
    const certificate = await client.auto({
      csr,
      ...(contactEmail !== "" && { email: contactEmail }),
      termsOfServiceAgreed: true,
      // From here the domain may lead elsewhere than from the CA.
      skipChallengeVerification: true,
      challengePriority: [wanted],
      challengeCreateFn: async (authorization, { type, token }, keyAuthorization) => {
        if (type !== wanted) throw new Error(`the CA offers no challenge ${wanted}, but ${type}`);
        if (type === "http-01") return this.#challenges.putHttp(token, keyAuthorization);
        const ofProof = await acme.crypto.createPrivateEcdsaKey();
        const [key, proof] = await acme.crypto.createAlpnCertificate(authorization, keyAuthorization, ofProof);
        this.#challenges.putAlpn(domainName, { certificatePem: proof.toString(), privateKeyPem: key.toString() });
      },
      challengeRemoveFn: async (_authorization, { type, token }) => {
        if (type === "http-01") this.#challenges.deleteHttp(token);
        else this.#challenges.deleteAlpn(domainName);
      },
    });
    return { certificate, privateKey: key.toString() };
  }

  /** Kept for good: the CA knows the account by it. */
  async #accountKey(make: () => Promise<string>): Promise<string> {
    const kept = await readFile(this.#accountKeyFile, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (kept !== undefined) return kept;
    const pem = await make();
    await mkdir(dirname(this.#accountKeyFile), { recursive: true, mode: 0o700 });
    const temporary = `${this.#accountKeyFile}.new`;
    {
      await using file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
      await file.writeFile(pem);
      await file.sync();
    }
    await rename(temporary, this.#accountKeyFile);
    return pem;
  }
}
