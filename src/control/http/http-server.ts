import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Clock, Logger } from "../../base/base.ts";
import { newRequestId } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import { errorBody, REQUEST_ID_HEADER } from "./answers.ts";
import { isLoopbackHost } from "./host-names.ts";
import { type ApiTls, createTlsServer } from "./tls-server.ts";

/** Attempts to find a port that is free on every host, where any may be taken. */
const PORT_ATTEMPTS = 10;
/** Slow clients: the head, and the whole request, which may bring 500 MB at a megabit a second; body-reader.ts ends idle ones. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 4_200_000;
const CONNECTION_COUNT_MAX = 500;
const ADDRESS_MISSING = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];

/** What a server of this kind is made with. */
export interface HttpServerOptions {
  readonly handle: RequestListener;
  readonly hosts: readonly string[];
  /** 0: any that is free on all hosts. */
  readonly port: number;
  /** For hosts that other machines reach, which are served with it alone. */
  readonly tls?: (ApiTls & { readonly clock: Clock; readonly logger: Logger }) | undefined;
}

/** HTTP on several addresses with one port: plain on loopback addresses, over TLS elsewhere. */
export class HttpServer {
  readonly port: number;
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();

  private constructor(port: number, servers: readonly Server[]) {
    this.port = port;
    this.#servers = servers;
    for (const server of servers) {
      server.on("connection", (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
      });
    }
  }

  /**
   * Port 0: any that is free on all hosts. A loopback host after the first that this machine does not have (::1 where there is
   * no IPv6) is left out. Rejects with one line that says what to do.
   */
  static async listen({ handle, hosts, port, tls }: HttpServerOptions): Promise<HttpServer> {
    for (let attempt = 1; ; attempt += 1) {
      const servers: Server[] = [];
      try {
        let bound = port;
        for (const host of hosts) {
          const server = makeServer(handle, isLoopbackHost(host) ? undefined : (tls ?? noTls(host)));
          try {
            bound = await listen(server, host, bound);
            servers.push(server);
          } catch (error) {
            if (!isLoopbackHost(host) || servers.length === 0 || !ADDRESS_MISSING.includes(codeOf(error))) throw error;
          }
        }
        return new HttpServer(bound, servers);
      } catch (error) {
        for (const server of servers) server.close();
        if (port === 0 && attempt < PORT_ATTEMPTS && codeOf(error) === "EADDRINUSE") continue;
        throw error;
      }
    }
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    // Also those that are no HTTP connections yet, or never will be.
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }
}

function makeServer(handle: RequestListener, tls: HttpServerOptions["tls"]): Server {
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
  const server =
    tls === undefined
      ? createServer(timeouts, handle)
      : createTlsServer(tls, timeouts, () => refusal("This address of the API speaks TLS: ask it by https://"), handle);
  // body-reader.ts says when to go on: a client that asks sends nothing of what is refused.
  server.on("checkContinue", handle);
  server.maxConnections = CONNECTION_COUNT_MAX;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === "ECONNRESET") socket.destroy();
    else socket.end(malformedAnswer());
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) => socket.end(malformedAnswer()));
  return server;
}

/** Error bodies are JSON, also where the request was no HTTP: the SDKs parse whatever comes. */
function malformedAnswer(): string {
  return refusal("The request is not valid HTTP/1.1");
}

function refusal(message: string): string {
  const requestId = newRequestId();
  const body = JSON.stringify(errorBody(new ApiError("InvalidArgument", message), requestId));
  const head = [
    "HTTP/1.1 400 Bad Request",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

function noTls(host: string): never {
  throw new Error(`The API is not served on ${host} without TLS: name a certificate with --api-cert and --api-key`);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, host, port)));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function listenError(error: unknown, host: string, port: number): Error {
  const code = codeOf(error);
  const reasons: Record<string, string> = {
    EADDRINUSE: "the port is in use: end the program that has it, or choose another with --api-port",
    EACCES: "this user may not listen there: choose a port above 1023 with --api-port",
    EADDRNOTAVAIL: "this machine does not have the address",
  };
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  const shown = host.includes(":") ? `[${host}]` : host;
  return Object.assign(new Error(`Cannot listen on ${shown}:${port} for the API: ${reason}`, { cause: error }), {
    code,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
