import { join } from "node:path";
import type { Publisher } from "../data-plane/publisher.ts";
import type { AcmeSettings } from "../options.ts";
import { AcmeAuthority, type Challenges } from "./acme-authority.ts";
import { CertificateKeeper, type CertificateKeeperOptions } from "./certificate-keeper.ts";
import { ChallengeServer } from "./challenge-server.ts";

export interface CertificatesOptions extends Omit<CertificateKeeperOptions, "acme"> {
  readonly dataDir: string;
  /** Absent: no domain gets a certificate by ACME. */
  readonly acme: AcmeSettings | undefined;
  /** Answers tls-alpn-01 on the gRPC port. */
  readonly gateway: Pick<Publisher, "beginChallenge" | "endChallenge">;
}

/** Certificates of custom domains that come and are renewed by themselves. */
export class Certificates {
  readonly #keeper: CertificateKeeper;
  readonly #challenges: ChallengeServer | undefined;

  /** Listens for challenges where ACME is configured. Rejects with one line where the port cannot be had. */
  static async open({ acme: settings, dataDir, gateway, ...options }: CertificatesOptions): Promise<Certificates> {
    if (settings === undefined)
      return new Certificates(new CertificateKeeper({ ...options, acme: undefined }), undefined);
    const isHttp = settings.challenge === "http-01";
    const server = isHttp ? await ChallengeServer.listen(settings.httpHosts, settings.httpPort) : undefined;
    const challenges: Challenges = {
      putHttp: (token, keyAuthorization) => server?.put(token, keyAuthorization),
      deleteHttp: (token) => server?.delete(token),
      putAlpn: (host, pair) => gateway.beginChallenge({ kind: "challenge", host, ...pair }),
      deleteAlpn: (host) => gateway.endChallenge(host),
    };
    const keyFile = join(dataDir, "tls", "acme-account.key");
    const acme = new AcmeAuthority(settings, keyFile, challenges);
    return new Certificates(new CertificateKeeper({ ...options, acme }), server);
  }

  private constructor(keeper: CertificateKeeper, challenges: ChallengeServer | undefined) {
    this.#keeper = keeper;
    this.#challenges = challenges;
  }

  /** Looks at what is due, now; the first time, and from then on every minute. */
  look(): void {
    this.#keeper.look();
  }

  async close(): Promise<void> {
    this.#keeper.stop();
    await this.#challenges?.close();
  }
}
