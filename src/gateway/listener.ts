import { constants } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContext,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { ClientAdmission, Seat } from "./client-admission.ts";
import { AlpnChallenges } from "./tls/alpn-challenges.ts";
import type { CertificatePair } from "./tls/certificate-store.ts";

/** First byte of a TLS record that begins a handshake (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;

/** TLS 1.2 only with forward secrecy and AEAD (RFC 9113, appendix A); TLS 1.3 brings its own. */
const TLS12_CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
];
const TLS13_CIPHERS = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

export interface ListenerOptions {
  readonly admission: ClientAdmission;
  /** For the first byte, and again for the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** Shown to clients that name no server. */
  readonly defaultCertificate: CertificatePair;
  /** The context for a server name (SNI), lower case. */
  secureContext(serverName: string): SecureContext;
  /** Told of each client that is closed before that, under a stable token. */
  refused(token: string, remoteAddress: string, why: string): void;
  /** A client whose handshake is done, with ALPN `h2`. */
  accepted(socket: TLSSocket): void;
}

/**
 * TLS on one or more addresses with the same port. Clients that do not begin with a TLS handshake are closed without
 * a byte, so that a plaintext gRPC client says "connection closed before server preface received".
 */
export class Listener {
  /** Proofs for ACME servers, answered on the same port. */
  readonly challenges: AlpnChallenges;
  readonly #options: ListenerOptions;
  readonly #tls: TlsServer;
  readonly #servers: Server[] = [];
  /** Clients that came before `accept`; undefined since then. */
  #early: Socket[] | undefined = [];
  /** Clients whose TLS handshake is not over, by their endpoint. */
  readonly #shaking = new Map<string, Seat>();
  #port = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#tls = createTlsServer({
      ALPNProtocols: ["h2"],
      handshakeTimeout: options.handshakeTimeoutMs,
      SNICallback: (serverName, done) => {
        try {
          done(null, options.secureContext(serverName.toLowerCase()));
        } catch (error) {
          done(error as Error);
        }
      },
    });
    this.challenges = new AlpnChallenges({
      handshakeTimeoutMs: options.handshakeTimeoutMs,
      answered: (socket) => this.#shaking.get(endpointOf(socket))?.handshakeEnded(),
      failed: (socket, error) => this.#drop(socket, "tls_handshake", error.message),
    });
    this.setDefaultCertificate(options.defaultCertificate);
    this.#tls.on("secureConnection", (socket) => {
      this.#shaking.get(endpointOf(socket))?.handshakeEnded();
      if (socket.alpnProtocol === "h2") options.accepted(socket);
      else {
        this.#options.refused("alpn", socket.remoteAddress ?? "", "the client did not choose h2 by ALPN");
        // Soon, not at once: in TLS 1.2 the last message of the handshake is ours, and may not be out yet.
        socket.destroySoon();
      }
    });
    this.#tls.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const isLate = error.code === "ERR_TLS_HANDSHAKE_TIMEOUT";
      this.#drop(socket, isLate ? "handshake_timeout" : "tls_handshake", error.message);
    });
  }

  /** From the next handshake on. */
  setDefaultCertificate(pair: CertificatePair): void {
    this.#tls.setSecureContext({
      cert: pair.certificatePem,
      key: pair.privateKeyPem,
      minVersion: "TLSv1.2",
      ciphers: [...TLS13_CIPHERS, ...TLS12_CIPHERS].join(":"),
      honorCipherOrder: true,
      // RFC 9113 §9.2.1. TLSSocket.disableRenegotiation() lets the new handshake finish, and the socket stays open.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    });
  }

  get port(): number {
    return this.#port;
  }

  /**
   * Binds `hosts` with one port; 0 takes a free one for all. Addresses after the first that this machine does not have
   * (`::1` without IPv6) are left out. Throws what the system says (EADDRINUSE).
   */
  async listen(hosts: readonly string[], port: number): Promise<void> {
    this.#port = port;
    for (const [index, host] of hosts.entries()) {
      try {
        await this.#bind(host);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (index === 0 || (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT")) throw error;
      }
    }
  }

  async #bind(host: string): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => this.#arrived(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port: this.#port, ipv6Only: host.includes(":") }, () => {
        server.off("error", reject);
        // Out of files or memory: the system or libuv drops the client, those that are connected go on.
        server.on("error", (error) => this.#options.refused("accept_failed", "", error.message));
        resolve();
      });
    });
    this.#servers.push(server);
    const address = server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  /** From now on clients are served; those that came since `listen` have waited for this. */
  accept(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const socket of early) this.#peek(socket);
  }

  /** Takes no more connections; those that are open go on. */
  close(): void {
    for (const server of this.#servers) server.close();
  }

  /** A TCP connection: takes a seat, or is closed before it costs more. */
  #arrived(socket: Socket): void {
    const endpoint = endpointOf(socket);
    const seat = this.#options.admission.admit(socket.remoteAddress ?? "");
    if ("token" in seat) {
      this.#drop(socket, seat.token, seat.why);
      return;
    }
    this.#shaking.set(endpoint, seat);
    socket.on("close", () => {
      seat.leave();
      if (this.#shaking.get(endpoint) === seat) this.#shaking.delete(endpoint);
    });
    if (this.#early === undefined) this.#peek(socket);
    else this.#early.push(socket);
  }

  /** Looks at the first byte and hands the socket to TLS, or closes it. */
  #peek(socket: Socket): void {
    const { handshakeTimeoutMs } = this.#options;
    const drop = () => this.#drop(socket, "handshake_timeout", `no byte within ${handshakeTimeoutMs} ms`);
    socket.on("error", () => socket.destroy());
    socket.setTimeout(handshakeTimeoutMs, drop);
    socket.once("data", (chunk: Buffer) => {
      if (chunk[0] !== TLS_HANDSHAKE) {
        this.#options.refused("not_tls", socket.remoteAddress ?? "", "the first byte does not begin a TLS handshake");
        socket.end();
        socket.resume();
        return;
      }
      socket.pause();
      socket.setTimeout(0);
      socket.off("timeout", drop);
      socket.unshift(chunk);
      if (this.challenges.isAskedBy(chunk)) this.challenges.serve(socket);
      else this.#tls.emit("connection", socket);
    });
  }

  #drop(socket: Socket, token: string, why: string): void {
    this.#options.refused(token, socket.remoteAddress ?? "", why);
    socket.destroy();
  }
}

/** Names a connection while it lives: no two of one listener have the same. */
function endpointOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}
