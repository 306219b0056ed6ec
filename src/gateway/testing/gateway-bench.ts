import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { type Clock, type LogFields, type Logger, silentLogger, systemClock } from "../../base/base.ts";
import { BusyMeter } from "../../metering/metering.ts";
import {
  type CallEnded,
  type FunctionEntry,
  functionKey,
  type Revision,
  type RevisionId,
  type RouteEntry,
  type UsageRecord,
} from "../../model/model.ts";
import { Scheduler, type SchedulerLimits, schedulerLimits } from "../../scheduler/scheduler.ts";
import { Gateway, type GatewayOptions, type InstanceLink, type LocalCa, loadOrCreateLocalCa } from "../gateway.ts";
import type { LocalDriver } from "./local-function.ts";

export const HOST = "f-s-abcdefghij.local.fcapp.localhost";
export const KEY = functionKey("s", "f");

/** What a call got, as a gRPC client would see it. */
export interface Answer {
  readonly head: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** RST_STREAM code; 0 where there was none. */
  readonly resetCode: number;
}

/** grpc-status, error type and decoded message of an answer. */
export function statusOf(answer: Answer): {
  status: string | undefined;
  errorType: string | undefined;
  message: string;
} {
  const end = { ...answer.head, ...answer.trailers };
  return {
    status: end["grpc-status"],
    errorType: end["x-fc-error-type"],
    message: decodeURIComponent(end["grpc-message"] ?? ""),
  };
}

export interface BenchOptions {
  /** The gateway's and the scheduler's; the system's where none is given. */
  readonly clock?: Clock;
  /** Addresses that the gateway listens on. */
  readonly hosts?: readonly string[];
  /** What differs from the bench's own options of the gateway. */
  readonly gateway?: Partial<GatewayOptions>;
}

/** A gateway on a free port with real sockets and TLS, a scheduler, and a driver of the test's. */
export class GatewayBench {
  readonly gateway: Gateway;
  readonly scheduler: Scheduler<InstanceLink>;
  readonly driver: LocalDriver;
  readonly ended: CallEnded[] = [];
  readonly usage: UsageRecord[] = [];
  readonly errors: unknown[] = [];
  readonly ca: LocalCa;
  /** The next call's meter throws: a bug of ours on the way of a call. */
  failNextMeter = false;
  readonly #folder: string;
  readonly #sessions: ClientHttp2Session[] = [];

  static async start(
    driver: LocalDriver,
    limits: Partial<SchedulerLimits> = {},
    { clock = systemClock, hosts = ["127.0.0.1"], gateway = {} }: BenchOptions = {},
  ): Promise<GatewayBench> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-gateway-"));
    const ca = await loadOrCreateLocalCa(folder, { zone: "local.fcapp.localhost", hosts: [] }, Date.now());
    const bench = new GatewayBench(driver, limits, folder, ca, clock, gateway);
    await bench.gateway.listen(hosts, 0);
    bench.gateway.accept();
    bench.put();
    return bench;
  }

  private constructor(
    driver: LocalDriver,
    limits: Partial<SchedulerLimits>,
    folder: string,
    ca: LocalCa,
    clock: Clock,
    more: Partial<GatewayOptions>,
  ) {
    this.#folder = folder;
    this.driver = driver;
    this.ca = ca;
    const logger: Logger = {
      ...silentLogger,
      error: (_message: string, fields?: LogFields) => this.errors.push(fields?.["error"]),
    };
    this.gateway = new Gateway({
      clock,
      logger,
      region: "local",
      certificates: ca,
      meterOf: (instanceId, { function: key, id, memoryMb }) =>
        new FailingMeter(
          this,
          { instanceId, function: key, revisionId: id, memoryMb },
          (record) => this.usage.push(record),
          clock,
        ),
      callEnded: (ended) => this.ended.push(ended),
      ...more,
      limits: { windowMemoryMaxBytes: 64 * 1024 * 1024, keptRequestsMaxBytes: 1024 * 1024, ...more.limits },
    });
    this.scheduler = new Scheduler({
      driver,
      links: this.gateway,
      clock,
      region: "local",
      limits: schedulerLimits({ stopGraceMs: 100, ...limits }),
      logger,
      events: { statusChanged() {}, instanceExited() {}, remark() {}, startFailed() {} },
    });
    this.gateway.attach(this.scheduler);
  }

  /** Deploys a revision of the function. */
  put(more: Partial<Revision> = {}, name = "r1"): void {
    const revision: Revision = {
      id: name as RevisionId,
      function: KEY,
      accountId: "1",
      serviceName: "s",
      functionName: "f",
      qualifier: "LATEST",
      runtime: "custom",
      handler: "h",
      codeDir: "/code",
      command: ["./bootstrap"],
      hasCommand: false,
      environment: {},
      caPort: 9000,
      timeoutMs: 60_000,
      memoryMb: 512,
      diskMb: 512,
      instanceConcurrency: 10,
      instanceSoftConcurrency: 10,
      internetAccess: false,
      ...more,
    };
    const entry: FunctionEntry = { kind: "function", function: KEY, revision };
    this.scheduler.put(entry);
    this.putRoute();
  }

  /** Replaces the way into the function; by default a trigger for anonymous calls. */
  putRoute(more: Partial<RouteEntry> = {}): void {
    this.gateway.putRoute({
      kind: "route",
      host: HOST,
      path: "/*",
      function: KEY,
      methods: ["POST"],
      authType: "anonymous",
      internetUrlDisabled: false,
      origin: "trigger",
      ...more,
    });
  }

  /** How a verifying client connects that asks for a name, or for none. */
  clientTls(servername?: string): ConnectionOptions {
    return {
      host: "127.0.0.1",
      port: this.gateway.port,
      ca: readFileSync(this.ca.caFile),
      ALPNProtocols: ["h2"],
      ...(servername !== undefined && { servername }),
    };
  }

  /** A client connection; the certificate is verified. */
  async client(dial: () => TLSSocket = () => connectTls(this.clientTls(HOST))): Promise<ClientHttp2Session> {
    const session = connect(`https://${HOST}`, { createConnection: dial });
    this.#sessions.push(session);
    session.on("error", () => {});
    await new Promise((resolve, reject) => {
      session.once("remoteSettings", resolve);
      session.once("close", () => reject(new Error("the connection was closed")));
    });
    return session;
  }

  /** Opens a call; the caller writes and ends it. */
  open(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
    const stream = session.request(
      {
        ":method": "POST",
        ":path": "/p.S/M",
        ":authority": HOST,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      },
      { endStream: false },
    );
    stream.on("error", () => {});
    return stream;
  }

  /** One whole call. */
  async call(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}, body: Buffer = MESSAGE): Promise<Answer> {
    const stream = this.open(session, headers);
    const answer = answerOf(stream);
    stream.end(body);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await this.driver.close();
    this.gateway.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** A meter with a bug, where the bench asks for it. */
class FailingMeter extends BusyMeter {
  readonly #bench: { failNextMeter: boolean };

  constructor(bench: { failNextMeter: boolean }, ...rest: ConstructorParameters<typeof BusyMeter>) {
    super(...rest);
    this.#bench = bench;
  }

  override begin(nowMs: number, calls?: number): void {
    if (this.#bench.failNextMeter) {
      this.#bench.failNextMeter = false;
      throw new Error("a bug on the way of a call");
    }
    super.begin(nowMs, calls);
  }
}

/** An empty message, length-prefixed. */
export const MESSAGE = Buffer.from([0, 0, 0, 0, 0]);

/** Reads an answer to its end, whatever that is. */
export function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve) => {
    let head: Record<string, string> = {};
    let trailers: Record<string, string> = {};
    const chunks: Buffer[] = [];
    const plain = (headers: object) =>
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    stream.on("response", (headers) => {
      head = plain(headers);
    });
    stream.on("trailers", (headers) => {
      trailers = plain(headers);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("close", () => resolve({ head, trailers, body: Buffer.concat(chunks), resetCode: stream.rstCode ?? 0 }));
  });
}
