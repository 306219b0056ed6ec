/**
 * What a unary call costs in Sluice's own code alone: real client connections, calls, scheduler, meter, links and
 * reports, between sockets that are arrays. No kernel, no TLS, no streams of Node, and the peers' bytes are made
 * beforehand, so that a profile (`node --cpu-prof bench/call-inmemory.ts`) shows this code and nothing else.
 * Arguments: connections, streams on each, calls.
 */
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { Roster, silentLogger, systemClock, systemRandom, TimerWheel } from "../src/base/base.ts";
import type { Driver, DriverInstance, ExitReport, StartSpec } from "../src/drivers/driver.ts";
import { CallSignatures } from "../src/gateway/call-signatures.ts";
import { ChunkGarbage } from "../src/gateway/chunk-garbage.ts";
import { ClientConnection, type ClientConnectionContext } from "../src/gateway/client-connection.ts";
import { FlushQueue } from "../src/gateway/flush-queue.ts";
import { runtimeHeaders } from "../src/gateway/forwarded-head.ts";
import { InstanceLink } from "../src/gateway/instance-link.ts";
import { gatewayLimits } from "../src/gateway/limits.ts";
import { ByteBudget } from "../src/gateway/memory-budget.ts";
import { Refusals } from "../src/gateway/refusals.ts";
import { RouteTable } from "../src/gateway/routes.ts";
import { TurnQueue } from "../src/gateway/turn-queue.ts";
import { connectionOptions } from "../src/h2/h2.ts";
import { HpackEncoder } from "../src/h2/hpack/encoder.ts";
import { MeterBook } from "../src/metering/metering.ts";
import { type FunctionStatus, functionKey, type Revision, type RevisionId } from "../src/model/model.ts";
import { Scheduler, schedulerLimits } from "../src/scheduler/scheduler.ts";
import { Reports } from "../src/server/reports.ts";

const connections = Number(process.argv[2] ?? 10);
const streams = Number(process.argv[3] ?? 10);
const callsWanted = Number(process.argv[4] ?? 60_000);
const ROUNDS = 15;
const KEY = functionKey("service", "function");
const HOST = "function-service-abcdefghij.local.fcapp.localhost";

/** As much of a socket as a transport uses. */
class MemorySocket extends EventEmitter {
  readonly remoteAddress = "127.0.0.1";
  writes = 0;
  write(): boolean {
    this.writes++;
    return true;
  }
  cork(): void {}
  uncork(): void {}
  setTimeout(): void {}
  end(): void {}
  destroy(): void {}
  pause(): void {}
  resume(): void {}
  receive(bytes: Buffer): void {
    this.emit("data", bytes);
  }
}

const frame = (type: number, flags: number, id: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
};
const MESSAGE = Buffer.alloc(23, 1);
const SETTINGS = frame(4, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0, 0xff, 0xff]));
const WINDOW = frame(8, 0, 0, Buffer.from([0x7f, 0, 0, 0]));

/** A peer's block of one header list as it is in the long run, and the first ones that fill the table. */
class Block {
  readonly #encoder: HpackEncoder;
  constructor(encoder: HpackEncoder) {
    this.#encoder = encoder;
  }
  of(headers: string[]): Buffer {
    const out = Buffer.alloc(2000);
    return Buffer.from(out.subarray(0, this.#encoder.encode(headers, out, 0)));
  }
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

class Client {
  readonly socket = new MemorySocket();
  readonly #block = new Block(new HpackEncoder(4096));
  #id = 1;
  #chunk: Buffer = Buffer.alloc(0);
  #offsets: number[] = [];

  constructor(context: ClientConnectionContext) {
    const shown = { serverName: "", address: "127.0.0.1", covers: () => true };
    new ClientConnection(context, this.socket as unknown as TLSSocket, shown).start();
    this.socket.receive(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    this.socket.receive(Buffer.concat([SETTINGS, frame(4, 1, 0, Buffer.alloc(0)), WINDOW]));
  }

  /** A round of calls in one chunk. With `differs`, each has a grpc-timeout and a traceparent of its own. */
  call(differs: boolean): void {
    const frames: Buffer[] = [];
    for (let i = 0; i < streams; i++, this.#id += 2) {
      const own = differs
        ? [
            "grpc-timeout",
            `${4_000_000 + (this.#id % 999_999)}u`,
            "traceparent",
            `00-${hex(this.#id, 32)}-${hex(this.#id, 16)}-01`,
          ]
        : [];
      const block = this.#block.of([...HEAD, ...own]);
      frames.push(frame(1, 4, this.#id, block), frame(0, 1, this.#id, MESSAGE));
    }
    this.#chunk = Buffer.concat(frames);
    this.#offsets = [];
    let at = 0;
    for (const each of frames) {
      this.#offsets.push(at + 5);
      at += each.length;
    }
    this.socket.receive(this.#chunk);
  }

  /** The same bytes again, with the next stream ids. */
  again(): void {
    const chunk = Buffer.from(this.#chunk);
    for (let i = 0; i < this.#offsets.length; i += 2) {
      chunk.writeUInt32BE(this.#id, this.#offsets[i]!);
      chunk.writeUInt32BE(this.#id, this.#offsets[i + 1]!);
      this.#id += 2;
    }
    this.socket.receive(chunk);
  }
}

const HEAD = [
  ...[":method", "POST", ":scheme", "https", ":path", "/helloworld.Greeter/SayHello", ":authority", HOST],
  ...["content-type", "application/grpc", "user-agent", "grpc-go/1.60.0", "te", "trailers"],
];

class Instance implements DriverInstance {
  readonly id;
  readonly listening = Promise.resolve();
  readonly exited = new Promise<ExitReport>(() => {});
  readonly socket = new MemorySocket();
  readonly #block = new Block(new HpackEncoder(4096));
  #id = 1;
  constructor(spec: StartSpec) {
    this.id = spec.instanceId;
  }
  connect(): Promise<Duplex> {
    setImmediate(() => this.socket.receive(Buffer.concat([SETTINGS, frame(4, 1, 0, Buffer.alloc(0)), WINDOW])));
    return Promise.resolve(this.socket as unknown as Duplex);
  }
  readonly usage = undefined;
  readonly canFreeze = false;
  readonly ranOutOfMemory = () => false;
  ready(): void {}
  freeze(): Promise<void> {
    return Promise.reject(new Error("it is this process"));
  }
  thaw(): Promise<void> {
    return Promise.resolve();
  }
  stop(): void {}
  destroy(): void {}
  #head: Buffer = Buffer.alloc(0);
  #trailers: Buffer = Buffer.alloc(0);
  answer(count: number): void {
    const frames: Buffer[] = [];
    for (let i = 0; i < count; i++, this.#id += 2) {
      if (this.#id < 20) {
        this.#head = this.#block.of([":status", "200", "content-type", "application/grpc"]);
        this.#trailers = this.#block.of(["grpc-status", "0", "grpc-message", ""]);
      }
      frames.push(
        frame(1, 4, this.#id, this.#head),
        frame(0, 0, this.#id, MESSAGE),
        frame(1, 5, this.#id, this.#trailers),
      );
    }
    this.socket.receive(Buffer.concat(frames));
  }
}

let instance: Instance | undefined;
const driver: Driver = {
  name: "process",
  capabilities: {
    ownNetwork: true,
    memoryLimit: true,
    processLimit: true,
    cpuLimit: true,
    freeze: false,
    usage: false,
    images: false,
  },
  probe: () => Promise.resolve({ works: true }),
  start: (spec) => (instance = new Instance(spec)),
  close: () => Promise.resolve(),
};

const wheel = new TimerWheel(systemClock, (error) => console.error(error));
const flushQueue = new FlushQueue(systemClock, (error) => console.error(error));
const fails = (error: unknown) => console.error("failed", error);
const reports = new Reports(systemClock, (key) => scheduler.statusOf(key) as FunctionStatus | undefined);
reports.setChannel({
  post: (message) => {
    structuredClone(message);
  },
  onMessage() {},
  onClose() {},
  close() {},
});
const meters = new MeterBook((record) => reports.usage(record), systemClock);
const options = connectionOptions({ concurrentStreamsMax: 100_000 });
const routes = new RouteTable(undefined);
routes.put({
  kind: "route",
  host: HOST,
  path: "/*",
  function: KEY,
  methods: ["POST"],
  authType: "anonymous",
  internetUrlDisabled: false,
  origin: "trigger",
});
const refusals = new Refusals(systemClock, silentLogger);
const transportContext = {
  flushQueue,
  turnQueue: new TurnQueue(),
  wheel,
  clock: systemClock,
  garbage: new ChunkGarbage(),
  connectionFailed: fails,
};
const scheduler: Scheduler<InstanceLink> = new Scheduler<InstanceLink>({
  driver,
  links: {
    open: (started, revision, observer) =>
      new InstanceLink({
        instance: started,
        revision,
        observer,
        context: {
          ...transportContext,
          instanceOptions: options,
          limits: gatewayLimits(),
          refusals,
        },
        clock: systemClock,
        meter: meters.open({ instanceId: started.id, function: KEY, revisionId: revision.id, memoryMb: 512 }),
        runtimeHeaders: runtimeHeaders(revision, "local"),
      }),
  },
  clock: systemClock,
  region: "local",
  limits: schedulerLimits({}),
  logger: silentLogger,
  events: {
    statusChanged() {},
    instanceExited() {},
    remark() {},
    startFailed: (_key, _revision, cause) => console.error(cause),
  },
});
const revision: Revision = {
  id: "r1" as RevisionId,
  function: KEY,
  accountId: "1234567890123456",
  serviceName: "service",
  functionName: "function",
  qualifier: "LATEST",
  runtime: "custom",
  handler: "index.handler",
  codeDir: "/code",
  command: ["./bootstrap"],
  hasCommand: false,
  environment: {},
  caPort: 9000,
  timeoutMs: 60_000,
  memoryMb: 512,
  diskMb: 512,
  instanceConcurrency: 200,
  instanceSoftConcurrency: 200,
  internetAccess: false,
};
scheduler.put({ kind: "function", function: KEY, revision, maximumInstanceCount: 1 });
let ended = 0;
const context: ClientConnectionContext = {
  ...transportContext,
  scheduler,
  routes,
  callSignatures: new CallSignatures(systemClock),
  refusals,
  clock: systemClock,
  clientOptions: options,
  limits: gatewayLimits(),
  memoryGuard: { refusesCalls: false },
  random: systemRandom,
  openCalls: new Roster(),
  keptBudget: new ByteBudget(1 << 26),
  callEnded: (call) => {
    if (call.grpcStatus !== 0) throw new Error(`a call ended with ${JSON.stringify(call)}`);
    ended++;
    reports.callEnded(call);
  },
  callFailed: fails,
  clientClosed() {},
} as ClientConnectionContext;
const turn = () => new Promise((resolve) => setImmediate(resolve));

const clients = Array.from({ length: connections }, () => new Client(context));
async function round(differs: boolean, again: boolean): Promise<void> {
  for (const client of clients) again ? client.again() : client.call(differs);
  await turn();
  instance?.answer(connections * streams);
  await turn();
}
for (const differs of [false, true]) {
  for (let warm = 0; warm < 20; warm++) {
    for (const client of clients) client.call(differs);
    for (
      let wait = 0;
      wait < 50 && (instance === undefined || scheduler.statusOf(KEY)?.instances[0]?.phase !== "ready");
      wait++
    )
      await turn();
    await turn();
    instance?.answer(connections * streams);
    await turn();
  }
  const rounds: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    ended = 0;
    const startedAt = process.cpuUsage();
    for (let calls = 0; calls < callsWanted; calls += connections * streams) await round(differs, true);
    const { user, system } = process.cpuUsage(startedAt);
    if (ended < callsWanted) throw new Error(`${ended} of ${callsWanted} calls ended`);
    rounds.push((user + system) / ended);
  }
  rounds.sort((a, b) => a - b);
  const [least, middle] = [rounds[0], rounds[ROUNDS >> 1]].map((microseconds) => microseconds?.toFixed(2));
  const load = `${connections}x${streams}${differs ? ", headers differ" : ""}`;
  console.log(`${load}: ${least} us of CPU a call at least, ${middle} in the median round`);
}
process.exit(0);
