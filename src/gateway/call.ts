import { type Clock, type Roster, type RosterMember, Timer, type TimerWheel } from "../base/base.ts";
import { parseGrpcTimeout } from "../grpc/grpc.ts";
import { ErrorCode, type HeaderList, type MemoryBudget, type Stream, type StreamHandler } from "../h2/h2.ts";
import { type CallEnded, type Fault, fault, newRequestId, type RouteEntry } from "../model/model.ts";
import type { ScheduledInstance, Scheduler, Waiter } from "../scheduler/scheduler.ts";
import { dropContentLength, forwardedHead, withoutReserved } from "./forwarded-head.ts";
import type { InstanceLink } from "./instance-link.ts";
import { KeptRequest } from "./kept-request.ts";
import { type Stall, stalledFault } from "./memory-pressure.ts";
import type { ControlPath, ReplyDialect } from "./reply-dialect.ts";
import type { RequestHead } from "./request-head.ts";
import { ResponseLeg } from "./response-leg.ts";

/** Times that a call is sent again. One: what is refused twice is refused. */
const REPLAYS_MAX = 1;

/** Time that may pass at the gateway before the `grpc-timeout` passed on is written anew. */
const TIMEOUT_UNCHANGED_MS = 1;

const NO_HEADERS: HeaderList = [];

/** What all calls share. */
export interface CallContext {
  readonly scheduler: Scheduler<InstanceLink>;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** Bounds the request bytes kept for all calls together. */
  readonly keptBudget: MemoryBudget;
  /** Every call that has begun and not ended. */
  readonly openCalls: Roster<Call>;
  callEnded(ended: CallEnded): void;
  /** A bug of ours, caught at a call. */
  callFailed(error: unknown): void;
}

/**
 * One gRPC request from its first header to its trailers. It is the handler of the client's stream, the waiter in the
 * scheduler's queue, and its own timer, so that a call allocates little; the instance's side is a `ResponseLeg`.
 *
 *     start ──admit──▶ waiting ──granted──▶ running ──trailers, fault, cancel──▶ ended
 *                         ▲                    │
 *                         └── replay: the instance proved that it never saw the call
 *
 * Every way out goes through `#finish`, once.
 */
export class Call extends Timer implements StreamHandler, Stall, Waiter<InstanceLink>, RosterMember {
  queuePrevious: Waiter<InstanceLink> | undefined = undefined;
  queueNext: Waiter<InstanceLink> | undefined = undefined;
  queuedIn: unknown = undefined;
  waitingSince = 0;
  rosterPlace = -1;

  readonly requestId: string;
  readonly #context: CallContext;
  readonly #stream: Stream;
  #headers: HeaderList;
  readonly #path: string;
  readonly #route: Pick<RouteEntry, "function">;
  readonly #dialect: ReplyDialect;
  readonly #startedAt: number;
  /** Client's deadline, Infinity where it gave none. */
  readonly #deadlineAt: number;
  /** End of the function's timeout, Infinity until the head was written to an instance. */
  #timeoutAt = Number.POSITIVE_INFINITY;

  #leg: ResponseLeg | undefined = undefined;
  #instance: ScheduledInstance<InstanceLink> | undefined = undefined;
  /** It is being admitted for the first time, by `start`. */
  #isStarting = false;
  #requestEnded = false;
  #requestTrailers: HeaderList | undefined = undefined;
  /** The request body, while it may have to be sent (again). Undefined when an answer has begun: the head is gone too. */
  #kept: KeptRequest | undefined;
  #replays = 0;
  /** Bytes of the request body for which the client got credit back. */
  #creditedBytes = 0;
  #headSent = false;
  /** The response head is not in the dialect: its end is passed on as it comes. */
  #passThrough = false;
  #ended = false;

  constructor(
    context: CallContext,
    stream: Stream,
    headers: HeaderList,
    head: RequestHead,
    route: Pick<RouteEntry, "function">,
    dialect: ReplyDialect,
    requestId: string = newRequestId(),
  ) {
    super();
    this.requestId = requestId;
    this.#context = context;
    this.#stream = stream;
    this.#headers = headers;
    this.#path = head.path;
    this.#route = route;
    this.#dialect = dialect;
    this.#kept = new KeptRequest(context.keptBudget);
    this.#startedAt = context.clock.nowMs();
    const timeoutMs = head.grpcTimeout === "" ? undefined : parseGrpcTimeout(head.grpcTimeout);
    this.#deadlineAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : this.#startedAt + timeoutMs;
  }

  /** Asks for a slot. `requestEnded`: the head was the whole request. */
  start(requestEnded: boolean): void {
    this.#requestEnded = requestEnded;
    this.#context.openCalls.enter(this);
    if (this.#deadlineAt <= this.#startedAt) {
      this.end(fault("ClientDeadline", "the deadline had passed when the call arrived"));
      return;
    }
    this.#isStarting = true;
    this.#context.scheduler.admit(this.#route.function, this);
    this.#isStarting = false;
    // Granted at once, the timer is armed there.
    if (!this.#ended && this.#instance === undefined) this.#armTimer();
  }

  /** When its head arrived. */
  get startedAt(): number {
    return this.#startedAt;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Where the call runs; undefined while it waits. */
  get instance(): ScheduledInstance<InstanceLink> | undefined {
    return this.#instance;
  }

  /** See ReplyDialect. */
  get controlPath(): ControlPath {
    return this.#dialect.controlPath;
  }

  /** Time since its head was written to an instance; 0 before. */
  get ranForMs(): number {
    const timeoutMs = this.#instance?.revision.timeoutMs;
    return timeoutMs === undefined ? 0 : this.#context.clock.nowMs() - (this.#timeoutAt - timeoutMs);
  }

  get deadlineAt(): number {
    return this.#deadlineAt;
  }

  // ---- the scheduler's answers

  granted(instance: ScheduledInstance<InstanceLink>): void {
    this.#instance = instance;
    const leg = new ResponseLeg(this, instance);
    this.#leg = leg;
    // Granted where it was asked for a slot, no time has passed.
    const nowMs = this.#isStarting ? this.#startedAt : this.#context.clock.nowMs();
    this.#timeoutAt = nowMs + instance.revision.timeoutMs;
    const wholeInHead = this.#requestEnded && this.#kept?.sizeBytes === 0 && this.#requestTrailers === undefined;
    const waited = nowMs - this.#startedAt > TIMEOUT_UNCHANGED_MS && this.#deadlineAt !== Number.POSITIVE_INFINITY;
    const head = forwardedHead(
      this.#headers,
      this.requestId,
      waited ? Math.max(0, this.#deadlineAt - nowMs) : undefined,
    );
    leg.open(head, wholeInHead, nowMs, this.#replays > 0);
    this.#armTimer();
    if (wholeInHead) return;
    this.#sendKept(leg);
  }

  refused(refusal: Fault): void {
    this.end(refusal);
  }

  // ---- the client's stream

  headers(): void {
    throw new Error("A server's stream gets no second head");
  }

  data(chunk: Buffer, endStream: boolean): void {
    if (this.#ended) {
      this.#stream.consumed(chunk.length);
      return;
    }
    if (endStream) this.#requestEnded = true;
    const leg = this.#leg;
    const kept = this.#kept;
    if (kept?.isWhole) {
      kept.push(chunk);
      if (leg !== undefined) kept.bound();
    }
    if (leg !== undefined) leg.send(chunk, endStream);
  }

  trailers(headers: HeaderList): void {
    if (this.#ended) return;
    this.#requestEnded = true;
    this.#requestTrailers = withoutReserved(headers);
    this.#leg?.sendTrailers(this.#requestTrailers);
  }

  /** The client gave the call up, or its connection is gone. */
  reset(): void {
    if (this.#ended) return;
    this.#leg?.abandon();
    this.#finish(1, fault("ClientCancelled", "the client cancelled the call or went away"));
  }

  sent(bytes: number): void {
    this.#leg?.consumed(bytes);
  }

  closed(): void {
    // The client's stream has nothing more to tell: `reset` or the response's end came before.
  }

  // ---- what the instance answers (called by the leg)

  responseHead(headers: HeaderList, endStream: boolean): void {
    this.#dropKept();
    const head = withoutReserved(headers);
    if (!this.#dialect.accepts(headers)) {
      this.#passThrough = true;
    } else if (endStream && this.#dialect.statusOf(head) === undefined) {
      this.end(fault("BadResponse", "the function ended the call in its response head, without a status"));
      return;
    } else {
      dropContentLength(head);
    }
    head.push("x-fc-request-id", this.requestId);
    this.#headSent = true;
    this.#stream.headers(head, endStream);
    if (endStream) this.#complete(this.#dialect.statusOf(head) ?? 2);
  }

  responseData(chunk: Buffer, endStream: boolean): void {
    const status = endStream ? this.#statusOfDataEnd() : undefined;
    if (status !== undefined) {
      this.#stream.data(chunk, true);
      // The stream of an invocation ends the call itself where the answer is too large.
      if (!this.#ended) this.#complete(status);
      return;
    }
    if (chunk.length > 0) this.#stream.data(chunk, false);
    if (endStream) this.end(fault("BadResponse", "the function ended the call without trailers"));
  }

  /** What is passed through as it came has no status of gRPC's: UNKNOWN. */
  #statusOfDataEnd(): number | undefined {
    return this.#passThrough ? 2 : this.#dialect.statusOfDataEnd();
  }

  responseTrailers(headers: HeaderList): void {
    const trailers = withoutReserved(headers);
    const status = this.#passThrough ? 2 : this.#dialect.statusOf(trailers);
    if (status === undefined) {
      this.end(fault("BadResponse", "the function sent trailers without a valid grpc-status"));
      return;
    }
    this.#stream.trailers(trailers);
    this.#complete(status);
  }

  /** The instance proved that it never saw the call: sends it to another, once. False: it cannot be sent again. */
  replay(): boolean {
    if (!this.#kept?.isWhole || this.#replays >= REPLAYS_MAX) return false;
    this.#replays += 1;
    this.#leg = undefined;
    this.#instance = undefined;
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#context.wheel.disarm(this);
    this.#context.scheduler.admit(this.#route.function, this);
    if (!this.#ended && this.#instance === undefined) this.#armTimer();
    return true;
  }

  /** `bytes` from the beginning of the request body left for an instance: the client gets credit, once for each byte. */
  requestSent(bytes: number): void {
    const fresh = bytes - this.#creditedBytes;
    if (fresh <= 0) return;
    this.#creditedBytes = bytes;
    this.#stream.consumed(fresh);
  }

  // ---- ends

  /** The client's deadline or the function's timeout has passed. */
  override fire(nowMs: number): void {
    try {
      if (nowMs >= this.#deadlineAt) {
        this.end(fault("ClientDeadline", "the client's deadline passed"));
        return;
      }
      const instance = this.#instance;
      const timeoutMs = instance?.revision.timeoutMs ?? 0;
      // What ran into its timeout may run on for ever; with other calls beside it, it goes on serving them. Before the
      // end, which frees the slot: a call that waits must not get it.
      if (instance?.revision.instanceConcurrency === 1) instance.replace();
      this.end(fault("FunctionTimeout", `the call ran longer than the function's timeout of ${timeoutMs / 1000} s`));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the call by the platform's hand, with a proper status. Does nothing when it has ended. */
  end(cause: Fault): void {
    if (this.#ended) return;
    this.#leg?.abandon();
    if (this.#passThrough) this.#stream.reset(ErrorCode.INTERNAL_ERROR);
    else this.#dialect.writeFault(this.#stream, cause, this.requestId, this.#headSent);
    this.#finish(cause.grpcStatus, cause);
  }

  // ---- Stall: its bytes wait for the client, or for the instance

  get stalledPeriods(): number {
    return Math.max(this.#stream.stalledPeriods, this.#leg?.stalledPeriods ?? -1);
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes + (this.#leg?.queuedBytes ?? 0);
  }

  /** Ends the call for the memory that its bytes take. */
  cut(): void {
    const cause = stalledFault(this.stalledPeriods);
    this.#stream.dropQueued();
    this.end(cause);
  }

  /** Invariant 9: a bug of ours ends this call and nothing else. */
  fail(error: unknown): void {
    this.#context.callFailed(error);
    this.end(fault("Internal", "an internal error of Sluice"));
  }

  /** The function's own end of the call was passed on. */
  #complete(status: number): void {
    this.#leg?.finish(this.#requestEnded);
    this.#finish(status, undefined);
  }

  #finish(grpcStatus: number, cause: Fault | undefined): void {
    this.#ended = true;
    this.#context.openCalls.leave(this);
    this.#context.wheel.disarm(this);
    this.#context.scheduler.abandon(this.#route.function, this);
    this.#dropKept();
    // RFC 9113 §8.1: a complete answer to half a request asks the client to stop sending.
    if (!this.#stream.remoteClosed && !this.#stream.isReset) this.#stream.reset(ErrorCode.NO_ERROR);
    this.#context.callEnded({
      function: this.#route.function,
      requestId: this.requestId,
      method: this.#path,
      at: this.#context.clock.epochMs(),
      durationMs: this.#context.clock.nowMs() - this.#startedAt,
      grpcStatus,
      instanceId: this.#instance?.id,
      cause,
    });
  }

  #armTimer(): void {
    const dueAt = Math.min(this.#deadlineAt, this.#timeoutAt);
    if (dueAt !== Number.POSITIVE_INFINITY) this.#context.wheel.armAt(this, dueAt);
  }

  /** Sends what has come of the request so far. */
  #sendKept(leg: ResponseLeg): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    const { chunks } = kept;
    const endsWithData = this.#requestEnded && this.#requestTrailers === undefined;
    const last = chunks.length - 1;
    for (let i = 0; i <= last; i++) leg.send(chunks[i] as Buffer, endsWithData && i === last);
    if (last < 0 && endsWithData) leg.send(Buffer.alloc(0), true);
    if (this.#requestTrailers !== undefined) leg.sendTrailers(this.#requestTrailers);
    kept.bound();
  }

  /** The call will not be sent again. */
  #dropKept(): void {
    this.#kept?.drop();
    this.#kept = undefined;
    this.#headers = NO_HEADERS;
  }
}
