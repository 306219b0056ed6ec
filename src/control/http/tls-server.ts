/** The API where other machines reach it: over TLS, and over plain HTTP for clients of this machine, on one port. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RequestListener, Server, ServerOptions } from "node:http";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import type { Clock, Logger, WakeUp } from "../../base/base.ts";
import { isFromThisMachine } from "./host-names.ts";

/** Certificate and key of the API, as PEM files; new ones in their place are shown within an hour. */
export interface ApiTls {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A connection that has sent no byte by then is closed; so is one in its TLS handshake. */
const FIRST_BYTE_TIMEOUT_MS = 10_000;
const CERTIFICATE_LOOK_MS = 3_600_000;
/** ContentType handshake, with which every TLS connection begins (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;

/** Throws one line that names the file where the pair cannot be used. */
export function readPair({ certificateFile, keyFile }: ApiTls, nowAt: number): { cert: string; key: string } {
  const cert = readPem(certificateFile, "certificate");
  const key = readPem(keyFile, "key");
  let problem = `${certificateFile} is no certificate as PEM`;
  try {
    const certificate = new X509Certificate(cert);
    problem = `${keyFile} is no private key as PEM without a password`;
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      problem = `${keyFile} is not the key of ${certificateFile}`;
    else if (certificate.validToDate.getTime() <= nowAt) problem = `${certificateFile} ended ${certificate.validTo}`;
    else return { cert, key };
  } catch {
    // Said below.
  }
  throw new Error(`The API cannot be served over TLS: ${problem}. Name others with --api-cert and --api-key`);
}

function readPem(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`Cannot read the API's ${what} ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Throws where the certificate cannot be used. What is not TLS and not from this machine gets `refusal`, as bytes. */
export function createTlsServer(
  tls: ApiTls & { readonly clock: Clock; readonly logger: Logger },
  options: ServerOptions,
  refusal: () => string,
  handle: RequestListener,
): Server {
  const { clock, logger } = tls;
  const pair = readPair(tls, clock.epochMs());
  const server = createServer(
    {
      ...options,
      ...pair,
      minVersion: "TLSv1.2",
      handshakeTimeout: FIRST_BYTE_TIMEOUT_MS,
      ALPNProtocols: ["http/1.1"],
    },
    handle,
  );
  const [beginTls] = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => socket.destroy());
    socket.setTimeout(FIRST_BYTE_TIMEOUT_MS, () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      if (first[0] !== TLS_HANDSHAKE && !isFromThisMachine(socket.remoteAddress)) {
        // What it still sends is read and forgotten: a connection closed over unread bytes loses its answer.
        socket.setTimeout(FIRST_BYTE_TIMEOUT_MS, () => socket.destroy());
        socket.resume().end(refusal());
        return;
      }
      socket.pause();
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE) beginTls?.call(server, socket);
      else {
        // The HTTP half of the server, which is given what came out of TLS otherwise.
        server.emit("secureConnection", socket);
        socket.resume();
      }
    });
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());

  let shown = pair.cert;
  let wakeUp: WakeUp | undefined;
  const look = (): void => {
    wakeUp = clock.wakeAfter(CERTIFICATE_LOOK_MS, () => {
      try {
        const now = readPair(tls, clock.epochMs());
        if (now.cert !== shown) server.setSecureContext({ ...now, minVersion: "TLSv1.2" });
        shown = now.cert;
      } catch (error) {
        logger.error("The API's certificate cannot be renewed; the present one stays", { error });
      }
      look();
    });
  };
  server.once("close", () => wakeUp?.cancel());
  server.once("listening", look);
  return server;
}
