import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext, type Server } from "node:tls";
import type { CertificatePair } from "./certificate-store.ts";

/** What an ACME server asks for by ALPN in its challenge, and gRPC's clients never do (RFC 8737 §6.2). */
const ACME_TLS = "acme-tls/1";

/** Where it stands in a handshake, its length comes before (RFC 7301 §3.1). */
const IN_HELLO = Buffer.from(`\n${ACME_TLS}`, "latin1");

export interface AlpnChallengesOptions {
  readonly handshakeTimeoutMs: number;
  /** The handshake is over; the client has seen what it wanted. */
  answered(socket: Socket): void;
  failed(socket: Socket, error: Error): void;
}

/**
 * Answers ACME's challenge tls-alpn-01 on the gRPC port: whoever asks for `acme-tls/1` is shown the certificate that proves
 * whose the name is, and the connection ends. Without an open challenge no connection is looked at.
 */
export class AlpnChallenges {
  readonly #contexts = new Map<string, SecureContext>();
  readonly #tls: Server;

  constructor({ handshakeTimeoutMs, answered, failed }: AlpnChallengesOptions) {
    this.#tls = createServer({
      ALPNProtocols: [ACME_TLS],
      handshakeTimeout: handshakeTimeoutMs,
      minVersion: "TLSv1.2",
      SNICallback: (serverName, done) => {
        const context = this.#contexts.get(serverName.toLowerCase());
        if (context === undefined) done(new Error(`no challenge is open for ${serverName}`));
        else done(null, context);
      },
    });
    this.#tls.on("secureConnection", (socket) => {
      answered(socket);
      socket.on("error", () => socket.destroy());
      socket.destroySoon();
    });
    this.#tls.on("tlsClientError", (error, socket) => failed(socket, error));
  }

  /** `host` is lower case. Throws for an unusable pair. */
  put(host: string, { certificatePem, privateKeyPem }: CertificatePair): void {
    this.#contexts.set(host, createSecureContext({ cert: certificatePem, key: privateKeyPem }));
  }

  delete(host: string): void {
    this.#contexts.delete(host);
  }

  /** Whether a connection that begins with these bytes asks for a challenge's certificate. */
  isAskedBy(firstBytes: Buffer): boolean {
    return this.#contexts.size > 0 && firstBytes.includes(IN_HELLO);
  }

  /** Takes over a connection of which no byte has been taken. */
  serve(socket: Socket): void {
    this.#tls.emit("connection", socket);
  }
}
