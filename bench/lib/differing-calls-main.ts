/** The load of differing-calls.ts, in a process of its own: prints how many calls were answered rightly. */
import { connect, type TLSSocket } from "node:tls";
import {
  Connection,
  type ConnectionEvents,
  connectionOptions,
  type HeaderList,
  type Stream,
  type StreamHandler,
  type Transport,
} from "../../src/h2/h2.ts";

interface Work {
  readonly port: number;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
  readonly path: string;
  readonly body: string;
}

const work = JSON.parse(process.argv[2] ?? "{}") as Work;
const body = Buffer.from(work.body, "base64");
const authority = `127.0.0.1:${work.port}`;
const endsAt = performance.now() + work.seconds * 1000;
let answered = 0;
let underWay = 0;

function fail(why: string): never {
  process.stderr.write(`load: ${why}\n`);
  process.exit(1);
}

/** Socket and connection of one client. */
class Client implements Transport, ConnectionEvents {
  readonly #socket: TLSSocket;
  readonly #connection: Connection;
  #flushes = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.#connection = new Connection("client", connectionOptions({}), this, this);
    socket.on("data", (chunk: Buffer) => this.#connection.receive(chunk));
    socket.on("drain", () => this.#connection.drained());
    this.#connection.start();
    for (let i = 0; i < work.streams; i++) this.call();
  }

  call(): void {
    if (performance.now() >= endsAt) {
      if (underWay === 0) finish();
      return;
    }
    underWay += 1;
    const id = crypto.randomUUID().replaceAll("-", "");
    const handler = new Handler(this);
    const head = [
      ":method",
      "POST",
      ":scheme",
      "https",
      ":path",
      work.path,
      ":authority",
      authority,
      "te",
      "trailers",
      "content-type",
      "application/grpc",
      "user-agent",
      "sluice-bench",
      "grpc-timeout",
      `${4_000_000 + Math.floor(Math.random() * 999_999)}u`,
      "traceparent",
      `00-${id}-${id.slice(0, 16)}-01`,
    ];
    handler.stream = this.#connection.request(head, false, handler);
    handler.stream.data(body, true);
  }

  scheduleFlush(): void {
    if (this.#flushes) return;
    this.#flushes = true;
    setImmediate(() => {
      this.#flushes = false;
      this.#connection.flush();
    });
  }

  write(parts: readonly Buffer[]): boolean {
    return parts.map((part) => this.#socket.write(part)).every(Boolean);
  }

  close(): void {
    fail("the gateway closed a connection");
  }

  request(): StreamHandler {
    return fail("the gateway opened a stream");
  }

  oversizedRequest(): StreamHandler {
    return fail("the gateway opened a stream");
  }

  settings(): void {}
  goAway(): void {
    fail("the gateway sent GOAWAY");
  }
  closed(): void {}
}

class Handler implements StreamHandler {
  readonly #client: Client;
  stream: Stream | undefined = undefined;
  #bytes = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  headers(headers: HeaderList, endStream: boolean): void {
    if (endStream) fail(`a call ended in its head: ${headers.join(" ")}`);
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.stream?.consumed(chunk.length);
  }

  trailers(headers: HeaderList): void {
    if (headers[headers.indexOf("grpc-status") + 1] !== "0" || this.#bytes !== body.length) {
      fail(`a call was not OK: ${headers.join(" ")}, ${this.#bytes} bytes`);
    }
    answered += 1;
  }

  reset(code: number): void {
    fail(`a call was reset with ${code}`);
  }

  sent(): void {}

  closed(): void {
    underWay -= 1;
    this.#client.call();
  }
}

function finish(): void {
  process.stdout.write(String(answered), () => process.exit(0));
}

for (let i = 0; i < work.connections; i++) {
  const socket = connect(
    { port: work.port, host: "127.0.0.1", ALPNProtocols: ["h2"], rejectUnauthorized: false },
    () => {
      new Client(socket);
    },
  );
  socket.setNoDelay(true);
  socket.on("error", (error) => fail(error.message));
}
