import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Driver, DriverInstance, ExitReport, StartSpec } from "../../drivers/driver.ts";
import type { InstanceId } from "../../model/model.ts";

/** How a test's function answers one stream. `rawHeaders`: the head as a flat list, in order. */
export type StreamAnswer = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders?: readonly string[],
) => void;

/** An instance that is a server in the test's own process. */
export class LocalInstance implements DriverInstance {
  readonly id: InstanceId;
  readonly listening: Promise<void>;
  readonly exited: Promise<ExitReport>;
  readonly usage = undefined;
  readonly canFreeze = false;
  readonly ranOutOfMemory = () => false;
  readonly sockets = new Set<Socket>();
  readonly sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2Server | Server;
  #exit: (report: ExitReport) => void = () => {};

  constructor(spec: StartSpec, server: Http2Server | Server) {
    this.id = spec.instanceId;
    this.#server = server;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
    });
    server.on("session", (session: ServerHttp2Session) => {
      this.sessions.add(session);
      session.on("error", () => {});
    });
    this.listening = new Promise((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  }

  connect(): Promise<Duplex> {
    const { port } = this.#server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("connect", () => resolve(socket));
      socket.once("error", reject);
    });
  }

  ready(): void {}

  /** It is this process. */
  freeze(): Promise<void> {
    return Promise.reject(new Error("a function in the test's own process cannot be frozen"));
  }

  thaw(): Promise<void> {
    return Promise.resolve();
  }

  stop(): void {
    this.crash({ signal: "SIGTERM" });
  }

  destroy(): void {
    this.crash({ signal: "SIGKILL" });
  }

  /** Ends as a process does: its sockets close, then its exit is known. */
  crash(report: Partial<ExitReport> = {}): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    this.#exit({ code: undefined, signal: undefined, outOfMemory: false, stderrTail: "", ...report });
  }
}

/** Starts instances in this process that all answer alike. */
export class LocalDriver implements Driver {
  readonly name = "process";
  readonly capabilities = {
    ownNetwork: true,
    memoryLimit: false,
    processLimit: false,
    cpuLimit: false,
    freeze: false,
    usage: false,
    images: false,
  };
  readonly instances: LocalInstance[] = [];
  readonly #makeServer: () => Http2Server | Server;

  private constructor(makeServer: () => Http2Server | Server) {
    this.#makeServer = makeServer;
  }

  /** Instances that speak HTTP/2, with node:http2. */
  static http2(answer: StreamAnswer, settings: { readonly maxConcurrentStreams?: number } = {}): LocalDriver {
    return new LocalDriver(() => {
      const server = createServer({ settings });
      server.on("stream", (stream, headers, _flags, rawHeaders) => {
        stream.on("error", () => {});
        answer(stream, headers, rawHeaders);
      });
      server.on("sessionError", () => {});
      return server;
    });
  }

  /** Instances that do with a connection whatever the test wants. */
  static tcp(serve: (socket: Socket) => void): LocalDriver {
    return new LocalDriver(() => createTcpServer(serve));
  }

  probe(): Promise<{ works: true }> {
    return Promise.resolve({ works: true });
  }

  start(spec: StartSpec): LocalInstance {
    const instance = new LocalInstance(spec, this.#makeServer());
    this.instances.push(instance);
    return instance;
  }

  async close(): Promise<void> {
    for (const instance of this.instances) instance.destroy();
  }
}

/** Answers as a gRPC server does: the request's bytes, then OK. */
export const echo: StreamAnswer = (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.pipe(stream);
};

/** Keeps every stream open, so that the test decides what becomes of it. */
export function holding(): {
  driver: LocalDriver;
  streams: ServerHttp2Stream[];
  next: () => Promise<ServerHttp2Stream>;
} {
  const streams: ServerHttp2Stream[] = [];
  let arrived = () => {};
  const driver = LocalDriver.http2((stream) => {
    streams.push(stream);
    stream.resume();
    arrived();
  });
  const next = async () => {
    const index = streams.length;
    if (streams[index] === undefined) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    return streams[index] as ServerHttp2Stream;
  };
  return { driver, streams, next };
}
