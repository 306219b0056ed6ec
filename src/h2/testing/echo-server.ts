/**
 * A plaintext HTTP/2 server that answers every request with its body, for conformance tools and for tests against
 * other implementations. Run it with a port: `node src/h2/testing/echo-server.ts 8080`.
 */
import { createServer, type Server, type Socket } from "node:net";
import { Connection, connectionOptions, ErrorCode, type Stream, type StreamHandler, type Transport } from "../h2.ts";

/** Time until a request without body is answered. */
const ANSWER_DELAY_MS = 5;

/** What a request without body gets. */
const NO_BODY = Buffer.from("no body to echo\n");

class Echo implements StreamHandler {
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.headers([":status", "200", "content-type", "application/octet-stream"], false);
  }

  headers(): void {}

  data(chunk: Buffer, endStream: boolean): void {
    this.#stream.data(chunk, endStream);
  }

  trailers(): void {
    this.#stream.trailers(["echo-status", "0"]);
  }

  reset(): void {}

  sent(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  closed(): void {}
}

/** Joins a connection to a socket in the simplest way: it is flushed when the socket's bytes were handled. */
export function join(socket: Socket, connect: (transport: Transport) => Connection): Connection {
  socket.setNoDelay(true);
  const flush = (): void => {
    socket.cork();
    connection.flush();
    socket.uncork();
  };
  const connection = connect({
    nowMs: () => performance.now(),
    scheduleFlush: () => setImmediate(flush),
    write: (parts) => parts.map((part) => socket.write(part)).every(Boolean),
    close: (hard) => (hard ? socket.destroy() : socket.end()),
  });
  socket.on("data", (chunk) => connection.receive(chunk));
  socket.on("drain", () => connection.drained());
  socket.on("error", (error) => connection.transportClosed(error));
  socket.on("close", () => connection.transportClosed());
  connection.start();
  return connection;
}

/** Not yet listening. */
export function createEchoServer(): Server {
  return createServer((socket) => {
    const options = connectionOptions({ concurrentStreamsMax: 100 });
    join(socket, (transport) => {
      const events = {
        request: (stream: Stream, _headers: string[], endStream: boolean) => {
          const echo = new Echo(stream);
          // Not at once: otherwise no client could ever have too many streams open here.
          if (endStream) setTimeout(() => stream.data(NO_BODY, true), ANSWER_DELAY_MS);
          return echo;
        },
        oversizedRequest: (stream: Stream) => {
          stream.headers([":status", "431"], true);
          stream.reset(ErrorCode.NO_ERROR);
          return new Ignored();
        },
        settings: () => {},
        goAway: () => {},
        closed: () => {},
      };
      return new Connection("server", options, transport, events);
    });
  });
}

/** Of a stream that is answered already. */
class Ignored implements StreamHandler {
  headers(): void {}
  data(): void {}
  trailers(): void {}
  reset(): void {}
  sent(): void {}
  closed(): void {}
}

if (import.meta.main) createEchoServer().listen(Number(process.argv[2] ?? 0), "127.0.0.1");
