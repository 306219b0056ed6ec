import type { Duplex } from "node:stream";
import {
  Connection,
  type ConnectionEvents,
  type ConnectionFault,
  type ConnectionOptions,
  type HeaderList,
  type Stream,
  type StreamFault,
  type StreamHandler,
} from "../h2/h2.ts";
import { type Fault, fault, type InstanceId } from "../model/model.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Refusals } from "./refusals.ts";
import { SocketTransport, type TransportContext } from "./socket-transport.ts";

/** PING toward an instance: only with a call open and nothing heard for so long. */
const SILENCE_BEFORE_PING_MS = 10_000;
/** Servers with default settings answer the fourth PING within 5 minutes with GOAWAY (grpc-go, too_many_pings). */
const PING_INTERVAL_MS = 301_000;
/** Without an answer for so long the instance counts as unresponsive. */
const PING_TIMEOUT_MS = 10_000;

export interface InstanceConnectionContext extends TransportContext {
  readonly instanceOptions: ConnectionOptions;
  readonly refusals: Refusals;
  readonly limits: Pick<GatewayLimits, "instanceResetsBurst" | "instanceResetsPerSecond">;
}

/** What a connection tells its link. */
export interface InstanceConnectionObserver {
  readonly instanceId: InstanceId;
  connectionReady(connection: InstanceConnection): void;
  connectionRetired(connection: InstanceConnection): void;
  /** The answer to `prove`. */
  connectionProved(connection: InstanceConnection): void;
  connectionClosed(connection: InstanceConnection, cause: Fault | undefined): void;
}

/** One HTTP/2 connection to an instance, in the client's role. */
export class InstanceConnection implements ConnectionEvents {
  readonly #connection: Connection;
  readonly #transport: SocketTransport;
  readonly #observer: InstanceConnectionObserver;
  readonly #refusals: Refusals;
  readonly #limits: InstanceConnectionContext["limits"];
  /** Resets that the instance has forgotten by now. */
  #resetsForgiven = 0;
  #tickedAt = -1;
  #isRetired = false;
  #lastPingAt = Number.NEGATIVE_INFINITY;
  #unresponsive = false;

  constructor(socket: Duplex, context: InstanceConnectionContext, observer: InstanceConnectionObserver) {
    this.#observer = observer;
    this.#refusals = context.refusals;
    this.#limits = context.limits;
    this.#transport = new SocketTransport(socket, context);
    this.#connection = new Connection("client", context.instanceOptions, this.#transport, this);
  }

  start(): void {
    this.#transport.attach(this.#connection);
  }

  /** Calls that the instance takes at once on this connection. */
  get streamsMax(): number {
    return this.#connection.peer.maxConcurrentStreams;
  }

  /** Whether the peer takes one more stream now. */
  get canOpen(): boolean {
    return this.#connection.canOpen;
  }

  /** The peer's GOAWAY has come. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Opens a stream; `runtime`: the headers that go with every call, always the same list. */
  open(head: HeaderList, runtime: HeaderList | undefined, endStream: boolean, handler: StreamHandler): Stream {
    return this.#connection.request(head, endStream, handler, runtime);
  }

  /**
   * How much of what a server bears of resets is used up here, 0 to 1 and beyond. Clients that cancel cause them; a
   * server that ends the connection for it would end the calls of others (CVE-2023-44487, seen from the other side).
   */
  get wear(): number {
    return (this.#connection.resetsSent - this.#resetsForgiven) / this.#limits.instanceResetsBurst;
  }

  /** Asks for a sign of life, which costs no strikes: `connectionProved` follows. */
  prove(nowMs: number): void {
    this.#connection.probe(nowMs);
  }

  /** Takes no more calls; closes when the last one ends. */
  retire(): void {
    this.#connection.closeWhenIdle();
  }

  close(): void {
    this.#connection.destroy();
  }

  tick(nowMs: number): void {
    const connection = this.#connection;
    connection.tick(nowMs);
    if (this.#tickedAt >= 0) {
      const forgiven = ((nowMs - this.#tickedAt) / 1000) * this.#limits.instanceResetsPerSecond;
      this.#resetsForgiven = Math.min(connection.resetsSent, this.#resetsForgiven + forgiven);
    }
    this.#tickedAt = nowMs;
    const pingedAt = connection.pingOutstandingSinceMs;
    if (pingedAt >= 0) {
      if (nowMs - Math.max(pingedAt, connection.lastReceivedAtMs) < PING_TIMEOUT_MS) return;
      this.#unresponsive = true;
      connection.destroy();
    } else if (
      connection.openStreams > 0 &&
      nowMs - connection.lastReceivedAtMs > SILENCE_BEFORE_PING_MS &&
      nowMs - this.#lastPingAt > PING_INTERVAL_MS
    ) {
      this.#lastPingAt = nowMs;
      connection.ping(nowMs);
    }
  }

  // ---- ConnectionEvents

  request(): StreamHandler {
    throw new Error("An instance opens no streams");
  }

  oversizedRequest(): StreamHandler {
    throw new Error("An instance opens no streams");
  }

  settings(): void {
    this.#observer.connectionReady(this);
  }

  goAway(): void {
    this.#isRetired = true;
    this.#observer.connectionRetired(this);
  }

  probeAnswered(): void {
    this.#observer.connectionProved(this);
  }

  streamFault(cause: StreamFault): void {
    this.#refusals.refused(cause.token, this.#observer.instanceId, cause.message);
  }

  closed(cause: ConnectionFault | undefined): void {
    if (cause !== undefined && cause.token !== "connection_lost") this.streamFault(cause);
    this.#observer.connectionClosed(this, this.#faultOf(cause));
  }

  #faultOf(cause: ConnectionFault | undefined): Fault | undefined {
    if (this.#unresponsive) return fault("FunctionUnresponsive", "the instance did not answer a PING within 10 s");
    if (cause === undefined || cause.token === "connection_lost") return undefined;
    if (!this.#connection.peer.received) {
      return fault("NotHttp2", `what listens on caPort does not speak HTTP/2 without TLS (${cause.message})`);
    }
    return fault("BadResponse", `the instance broke HTTP/2: ${cause.message} (${cause.source})`);
  }
}
