import { createServer, type RequestListener, type Server } from "node:http";

const PREFIX = "/.well-known/acme-challenge/";

/** Time for a request's head: a CA sends it at once. */
const HEAD_TIMEOUT_MS = 10_000;
/** A CA asks from several places for each challenge. */
const CONNECTIONS_MAX = 100;

/** Answers ACME's challenges of type http-01 (RFC 8555 §8.3), and nothing else. */
export class ChallengeServer {
  readonly #answers = new Map<string, string>();
  readonly #servers: Server[] = [];

  /** Rejects with an Error in one line where the port cannot be had. Hosts after the first that are not there are left out. */
  static async listen(hosts: readonly string[], port: number): Promise<ChallengeServer> {
    const challenges = new ChallengeServer();
    try {
      for (const [index, host] of hosts.entries()) {
        await challenges.#listen(host, challenges.port ?? port).catch((error: NodeJS.ErrnoException) => {
          if (index === 0 || (error.code !== "EADDRNOTAVAIL" && error.code !== "EAFNOSUPPORT")) throw error;
        });
      }
    } catch (error) {
      await challenges.close();
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === "EACCES" ? "ports below 1024 need root (or CAP_NET_BIND_SERVICE)" : message;
      throw new Error(`Cannot answer ACME challenges on port ${port}: ${why}; see acmeHttpPort in config.yaml`, {
        cause: error,
      });
    }
    return challenges;
  }

  private constructor() {}

  /** As it is bound; undefined where nothing is. */
  get port(): number | undefined {
    const address = this.#servers[0]?.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  }

  put(token: string, keyAuthorization: string): void {
    this.#answers.set(token, keyAuthorization);
  }

  delete(token: string): void {
    this.#answers.delete(token);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => closed(server)));
  }

  async #listen(host: string, port: number): Promise<void> {
    const server = createServer({ headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: HEAD_TIMEOUT_MS }, this.#answer);
    server.maxConnections = CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, ipv6Only: host.includes(":") }, () => {
        server.off("error", reject);
        server.on("error", () => {}); // Out of files: the CA asks again.
        resolve();
      });
    });
    this.#servers.push(server);
  }

  readonly #answer: RequestListener = (request, response) => {
    const url = request.url ?? "";
    const answer = url.startsWith(PREFIX) ? this.#answers.get(url.slice(PREFIX.length)) : undefined;
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "text/plain", connection: "close" });
    response.end(answer ?? "This port answers challenges of ACME alone\n");
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
