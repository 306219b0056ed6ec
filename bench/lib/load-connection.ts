import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  Connection,
  type ConnectionEvents,
  connectionOptions,
  type HeaderList,
  type Stream,
  type StreamHandler,
  type Transport,
} from "../../src/h2/h2.ts";

/** Where a load goes. */
export interface Target {
  readonly port: number;
  /** False: HTTP/2 without TLS, to the function itself. */
  readonly tls: boolean;
}

/** One client connection of a load generator, on Sluice's own HTTP/2: a client that costs little. */
export class LoadConnection implements Transport, ConnectionEvents {
  readonly #socket: Socket;
  readonly #connection: Connection;
  #onReady: () => void = () => {};
  #flushes = false;

  /** Resolves when the other side's SETTINGS have come. */
  static open(target: Target): Promise<LoadConnection> {
    const { port } = target;
    const socket = target.tls
      ? connectTls({ port, host: "127.0.0.1", ALPNProtocols: ["h2"], rejectUnauthorized: false })
      : connectPlain({ port, host: "127.0.0.1" });
    socket.setNoDelay(true);
    socket.on("error", (error) => fail(error.message));
    return new Promise((resolve) => {
      socket.once(target.tls ? "secureConnect" : "connect", () => {
        const opened = new LoadConnection(socket);
        opened.#onReady = () => resolve(opened);
      });
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#connection = new Connection("client", connectionOptions({}), this, this);
    socket.on("data", (chunk: Buffer) => this.#connection.receive(chunk));
    socket.on("drain", () => this.#connection.drained());
    this.#connection.start();
  }

  /** Opens a call; its body is the caller's to send. */
  call(headers: HeaderList, handler: LoadCall): Stream {
    const stream = this.#connection.request(headers, false, handler);
    handler.stream = stream;
    return stream;
  }

  /** Writes what was gathered now, for a generator that counts from here. */
  flush(): void {
    this.#connection.flush();
  }

  tick(nowMs: number): void {
    this.#connection.tick(nowMs);
  }

  // ---- Transport

  nowMs(): number {
    return performance.now();
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
    this.#socket.cork();
    const taken = parts.map((part) => this.#socket.write(part)).every(Boolean);
    this.#socket.uncork();
    return taken;
  }

  close(): void {
    fail("the other side closed a connection");
  }

  // ---- ConnectionEvents

  request(): StreamHandler {
    return fail("the other side opened a stream");
  }

  oversizedRequest(): StreamHandler {
    return fail("the other side opened a stream");
  }

  settings(): void {
    this.#onReady();
  }

  goAway(): void {
    fail("the other side sent GOAWAY");
  }

  closed(): void {}
}

/** A failed call voids the run: ends the process of the load generator. */
export function fail(why: string): never {
  process.stderr.write(`load: ${why}\n`);
  process.exit(1);
}

/** The head of a gRPC call. */
export function callHead(authority: string, path: string, more: readonly string[] = []): HeaderList {
  return [
    ":method",
    "POST",
    ":scheme",
    "https",
    ":path",
    path,
    ":authority",
    authority,
    "te",
    "trailers",
    "content-type",
    "application/grpc",
    "user-agent",
    "sluice-bench",
    ...more,
  ];
}

/** One call: its answer's bytes are counted, and `ended` is called when it ended well. */
export class LoadCall implements StreamHandler {
  stream: Stream | undefined = undefined;
  answerBytes = 0;
  answer: Buffer = Buffer.alloc(0);
  readonly #ended: (call: LoadCall) => void;
  readonly #onSent: ((bytes: number) => void) | undefined;

  constructor(ended: (call: LoadCall) => void, onSent?: (bytes: number) => void) {
    this.#ended = ended;
    this.#onSent = onSent;
  }

  headers(headers: HeaderList, endStream: boolean): void {
    if (endStream) fail(`a call ended in its head: ${headers.join(" ")}`);
  }

  data(chunk: Buffer): void {
    this.answerBytes += chunk.length;
    this.answer = chunk;
    this.stream?.consumed(chunk.length);
  }

  trailers(headers: HeaderList): void {
    if (headers[headers.indexOf("grpc-status") + 1] !== "0") fail(`a call was not OK: ${headers.join(" ")}`);
    this.#ended(this);
  }

  reset(code: number): void {
    fail(`a call was reset with ${code}`);
  }

  sent(bytes: number): void {
    this.#onSent?.(bytes);
  }

  closed(): void {}
}
