import type { TLSSocket } from "node:tls";
import type { Random } from "../base/base.ts";
import {
  Connection,
  type ConnectionEvents,
  ConnectionFault,
  type ConnectionOptions,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamFault,
  type StreamHandler,
} from "../h2/h2.ts";
import { type Fault, fault, newRequestId } from "../model/model.ts";
import { Call, type CallContext } from "./call.ts";
import { type CallSignatures, withoutSignature } from "./call-signatures.ts";
import { type ConnectionView, ConnectionWatch, type Verdict } from "./connection-watch.ts";
import type { GatewayLimits } from "./limits.ts";
import type { MemoryGuard } from "./memory-guard.ts";
import { type Stall, stalledFault } from "./memory-pressure.ts";
import { PlainAnswer } from "./plain-answer.ts";
import type { Refusals } from "./refusals.ts";
import { grpcDialect, httpStatusOf } from "./reply-dialect.ts";
import { hostOf, isGrpcRequest, type RequestHead, readRequestHead } from "./request-head.ts";
import { rewritePath } from "./rewrite-path.ts";
import { type RouteTable, refusalOf } from "./routes.ts";
import { SocketTransport, type TransportContext } from "./socket-transport.ts";
import { TurnShare } from "./turn-share.ts";

/** First GOAWAY of a drain: promises to refuse nothing that is under way (RFC 9113 §6.8). */
const EVERY_STREAM_ID = 2 ** 31 - 1;

/** Time between the two GOAWAYs of a drain: a round trip, generously. */
const DRAIN_ROUND_TRIP_MS = 500;

export interface ClientConnectionContext extends TransportContext, CallContext {
  readonly clientOptions: ConnectionOptions;
  readonly limits: GatewayLimits;
  /** For the jitter of ages. */
  readonly random: Random;
  readonly memoryGuard: Pick<MemoryGuard, "refusesCalls">;
  readonly routes: RouteTable;
  readonly callSignatures: CallSignatures;
  readonly refusals: Refusals;
  /** The connection has ended. */
  clientClosed(connection: ClientConnection): void;
}

/** What was shown to the client in the TLS handshake. */
export interface ShownCertificate {
  /** Name that the client asked for (SNI), lower case; empty where it asked for none. */
  readonly serverName: string;
  /** Address that it connected to: addresses are never asked for by SNI (RFC 6066 §3). */
  readonly address: string;
  covers(host: string): boolean;
}

/** One client's HTTP/2 connection, in the server's role: makes a call of each request, or answers what is none. */
export class ClientConnection implements ConnectionEvents, ConnectionView {
  readonly #context: ClientConnectionContext;
  readonly #connection: Connection;
  readonly #transport: SocketTransport;
  readonly #certificate: ShownCertificate;
  readonly #remoteAddress: string;
  readonly #watch: ConnectionWatch;
  readonly #share = new TurnShare();
  #drainingSince = Number.POSITIVE_INFINITY;
  #drainReason = "";
  #lastGoAwaySent = false;
  /** The authority that was found to be covered last: clients send the same one with each call. */
  #coveredAuthority: string | undefined;

  constructor(context: ClientConnectionContext, socket: TLSSocket, certificate: ShownCertificate) {
    this.#context = context;
    this.#certificate = certificate;
    this.#remoteAddress = socket.remoteAddress ?? "";
    this.#transport = new SocketTransport(socket, context, this.#share);
    this.#connection = new Connection("server", context.clientOptions, this.#transport, this);
    this.#watch = new ConnectionWatch(context.limits, context.clock.nowMs(), context.random());
  }

  start(): void {
    this.#transport.attach(this.#connection);
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  /** Asks the client to go elsewhere with new calls; open ones go on (two GOAWAYs, RFC 9113 §6.8). */
  drain(nowMs: number, why = "draining"): void {
    if (this.#drainingSince !== Number.POSITIVE_INFINITY) return;
    this.#drainingSince = nowMs;
    this.#drainReason = why;
    this.#connection.goAway(ErrorCode.NO_ERROR, EVERY_STREAM_ID, why);
  }

  destroy(): void {
    this.#connection.destroy();
  }

  tick(nowMs: number): void {
    this.#connection.tick(nowMs);
    this.#heed(this.#watch.look(this, nowMs), nowMs);
    if (this.#lastGoAwaySent || nowMs - this.#drainingSince < DRAIN_ROUND_TRIP_MS) return;
    this.#lastGoAwaySent = true;
    this.#connection.goAway(ErrorCode.NO_ERROR, this.#connection.lastPeerStreamId, this.#drainReason);
    this.#connection.closeWhenIdle();
  }

  /** When a call was last open here. */
  get usedAt(): number {
    return this.#watch.usedAt;
  }

  /** Answers that are complete here, and that the client does not take. */
  unreadAnswers(): (Stall & { cut(): void })[] {
    return this.#connection.unsentEnds.map((stream) => ({
      stalledPeriods: stream.stalledPeriods,
      queuedBytes: stream.queuedBytes,
      cut: () => {
        const { message } = stalledFault(stream.stalledPeriods);
        this.#context.refusals.refused("StalledUnderPressure", this.#remoteAddress, message);
        // gRPC's clients read this code as RESOURCE_EXHAUSTED (gRPC over HTTP/2, "Errors").
        stream.reset(ErrorCode.ENHANCE_YOUR_CALM);
      },
    }));
  }

  /** Nothing is open here: the client may come again when there is memory. */
  closeForMemory(): void {
    const why = "no call is open here, and the gateway is short of memory";
    this.#connection.destroy(new ConnectionFault(ErrorCode.NO_ERROR, "memory_idle", "RFC 9113 §5.4.1", why));
  }

  // ---- ConnectionView

  get openStreams(): number {
    return this.#connection.openStreams;
  }

  get lastPeerStreamId(): number {
    return this.#connection.lastPeerStreamId;
  }

  get lastReceivedAtMs(): number {
    return this.#connection.lastReceivedAtMs;
  }

  get pingOutstandingSinceMs(): number {
    return this.#connection.pingOutstandingSinceMs;
  }

  get givenBytes(): number {
    return this.#transport.givenBytes;
  }

  get untakenBytes(): number {
    return this.#transport.untakenBytes;
  }

  #heed(verdict: Verdict, nowMs: number): void {
    switch (verdict.kind) {
      case "fine":
        break;
      case "ping":
        this.#connection.ping(nowMs);
        break;
      case "leave":
        this.#context.refusals.refused(verdict.token, this.#remoteAddress, verdict.why);
        this.drain(nowMs, verdict.token);
        break;
      case "end":
        this.#connection.destroy(
          new ConnectionFault(ErrorCode.NO_ERROR, verdict.token, "RFC 9113 §5.4.1", verdict.why),
        );
        break;
      default:
        throw new Error(`Unknown verdict ${JSON.stringify(verdict satisfies never)}`);
    }
  }

  // ---- ConnectionEvents

  request(stream: Stream, headers: HeaderList, endStream: boolean): StreamHandler {
    this.#watchIds(stream);
    const head = readRequestHead(headers);
    const route = this.#context.routes.find(head.authority, head.path);
    const misdirected = "kind" in route ? this.#misdirected(head.authority) : undefined;
    if (!isGrpcRequest(head)) {
      if (misdirected !== undefined) return this.#refuse(stream, head, misdirected, httpStatusOf(misdirected));
      return this.#refuse(
        stream,
        head,
        fault("RouteNotFound", "this port serves gRPC alone: POST with a content-type of application/grpc"),
        415,
        "not_grpc",
      );
    }
    if (!("kind" in route)) return this.#refuse(stream, head, route);
    const mustSign = route.authType !== "anonymous";
    const refusal =
      misdirected ??
      refusalOf(route) ??
      (mustSign ? this.#context.callSignatures.refusalOf(route, head, headers) : undefined);
    if (refusal !== undefined) return this.#refuse(stream, head, refusal);
    if (this.#context.memoryGuard.refusesCalls) {
      const cause = fault("ResourceExhausted", "the gateway is short of memory");
      return this.#refuse(stream, head, cause, undefined, "memory_calls");
    }
    const passed = mustSign ? withoutSignature(headers) : headers;
    const tooLong = route.rewritePath && rewritePath(passed, route.rewritePath);
    if (tooLong !== undefined) return this.#refuse(stream, head, tooLong);
    const call = new Call(this.#context, stream, passed, head, route, grpcDialect);
    this.#share.requested(call.startedAt);
    try {
      call.start(endStream);
    } catch (error) {
      call.fail(error);
    }
    return call;
  }

  oversizedRequest(stream: Stream, headers: HeaderList): StreamHandler {
    this.#watchIds(stream);
    const head = readRequestHead(headers);
    const { headerListMaxBytes, headerFieldsMax } = this.#context.clientOptions;
    const cause = `the request's headers are over the limit of ${headerListMaxBytes} bytes or ${headerFieldsMax} fields`;
    // What would tell gRPC from anything else may be what did not fit: a POST counts as gRPC.
    return this.#refuse(stream, head, fault("HeadersTooLarge", cause), head.method === "POST" ? undefined : 431);
  }

  settings(): void {}

  goAway(): void {
    this.#connection.closeWhenIdle();
  }

  streamFault(fault: StreamFault): void {
    this.#context.refusals.refused(fault.token, this.#remoteAddress, fault.message);
  }

  closed(fault: ConnectionFault | undefined): void {
    // That a client goes away is its right, also with calls open.
    if (fault !== undefined && fault.token !== "connection_lost") this.streamFault(fault);
    this.#context.clientClosed(this);
  }

  /** RFC 9113 §5.1.1: ids end at 2^31-1, and a client that has none left may fail calls. It is sent away before. */
  #watchIds(stream: Stream): void {
    if (stream.id < this.#context.clientOptions.streamIdMax) return;
    this.drain(this.#context.clock.nowMs(), "stream ids are running out");
  }

  /** Answers a request that becomes no call. With `httpStatus` in plain text, else in gRPC's terms. */
  #refuse(
    stream: Stream,
    head: RequestHead,
    refusal: Fault,
    httpStatus?: number,
    token: string = refusal.errorType,
  ): StreamHandler {
    this.#share.requested(this.#context.clock.nowMs());
    const requestId = newRequestId();
    this.#context.refusals.refused(token, this.#remoteAddress, refusal.message);
    const { method } = head;
    if (httpStatus === undefined && method === "POST") {
      grpcDialect.writeFault(stream, refusal, requestId, false);
      if (!stream.remoteClosed) stream.reset(ErrorCode.NO_ERROR);
      return new IgnoredStream(stream);
    }
    const status = httpStatus ?? httpStatusOf(refusal);
    const { message } = refusal;
    return new PlainAnswer(stream, this.#context.wheel, { httpStatus: status, message, requestId, method });
  }

  /**
   * RFC 9110 §7.4, "Rejecting Misdirected Requests": a client must not reach one tenant over a connection on which
   * it verified another's certificate. What it asked for by SNI, or dialled where it asked for no name, it did verify,
   * or chose not to.
   */
  #misdirected(authority: string): Fault | undefined {
    if (authority === this.#coveredAuthority) return undefined;
    const { serverName, address } = this.#certificate;
    const host = hostOf(authority);
    if (host === (serverName || address) || this.#certificate.covers(host)) {
      this.#coveredAuthority = authority;
      return undefined;
    }
    const shown = serverName || "no server name";
    return fault("Misdirected", `the certificate shown on this connection (asked for ${shown}) does not cover ${host}`);
  }
}

/** The rest of a request that was answered already. */
class IgnoredStream implements StreamHandler {
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  headers(): void {}

  data(chunk: Buffer): void {
    this.#stream.consumed(chunk.length);
  }

  trailers(): void {}
  reset(): void {}
  sent(): void {}
  closed(): void {}
}
