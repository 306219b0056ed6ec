import type { ErrorCode, HeaderList, MemoryBudget, Stream } from "../h2/h2.ts";
import {
  type CallEnded,
  fault,
  GrpcStatus,
  INVOCATION_BODY_MAX_BYTES,
  type InvocationAnswer,
  type InvocationRequest,
  type InvocationRun,
} from "../model/model.ts";
import { Call, type CallContext } from "./call.ts";
import { headerOf, type ReplyDialect } from "./reply-dialect.ts";
import { readRequestHead } from "./request-head.ts";

/** Bytes of the event that are on their way to the instance at once: a client's stream window. */
const WINDOW_BYTES = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/**
 * An event that the control plane has for a function (InvokeFunction). It goes the way of every call, through admission,
 * timeout, replay, meter and log; in place of a client's stream stands this object, which gives the event as the instance
 * takes it and gathers the answer.
 */
export class Invocation implements Stream, ReplyDialect {
  readonly id = 0;
  readonly controlPath = "/invoke";
  readonly stalledPeriods = -1;
  readonly queuedBytes = 0;
  readonly answer: Promise<InvocationAnswer>;
  readonly #event: Buffer;
  /** Bounds what the answers of all invocations take together. */
  readonly #budget: MemoryBudget;
  readonly #answered: (answer: InvocationAnswer) => void;
  readonly #call: Call;
  /** Bytes of the event that were given. */
  #givenBytes = 0;
  #creditBytes = WINDOW_BYTES;
  #isGiving = false;
  #head: HeaderList = [];
  #chunks: Buffer[] = [];
  #bodyBytes = 0;
  #isReset = false;

  constructor(request: InvocationRequest, context: CallContext, budget: MemoryBudget) {
    const { event, requestId } = request;
    this.#event = Buffer.from(event.buffer, event.byteOffset, event.byteLength);
    this.#budget = budget;
    const { promise, resolve } = Promise.withResolvers<InvocationAnswer>();
    this.answer = promise;
    this.#answered = resolve;
    const head = eventHead(this.#event.length);
    const own: CallContext = {
      ...context,
      callEnded: (ended) => {
        context.callEnded(ended);
        this.#ended(ended);
      },
    };
    this.#call = new Call(own, this, head, readRequestHead(head), request, this, requestId);
  }

  /** Asks for a slot. Never throws. */
  start(): void {
    try {
      this.#call.start(this.#event.length === 0);
      this.#give();
    } catch (error) {
      this.#call.fail(error);
    }
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#call.reset();
  }

  // ---- Stream: where the call writes its answer

  get localClosed(): boolean {
    return this.#isReset;
  }

  get remoteClosed(): boolean {
    return this.#givenBytes === this.#event.length;
  }

  get isReset(): boolean {
    return this.#isReset;
  }

  headers(_head: HeaderList): void {
    // `accepts` took it, with what the function says to the platform.
  }

  data(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#bodyBytes + chunk.length > INVOCATION_BODY_MAX_BYTES) {
      this.#call.end(fault("BadResponse", `the answer has more than ${INVOCATION_BODY_MAX_BYTES} bytes`));
      return;
    }
    if (!this.#budget.tryReserve(chunk.length)) {
      this.#call.end(fault("ResourceExhausted", "the answers of invocations take all memory that is for them"));
      return;
    }
    this.#bodyBytes += chunk.length;
    // A copy: the chunk is a view of what came from the instance, with what belongs to others.
    this.#chunks.push(Buffer.from(chunk));
    this.#call.sent(chunk.length);
  }

  trailers(): void {
    // Nothing in them is for an invoker.
  }

  reset(_code: ErrorCode): void {
    this.#isReset = true;
  }

  consumed(bytes: number): void {
    this.#creditBytes += bytes;
    this.#give();
  }

  dropQueued(): void {
    // What came is not queued, but gathered.
  }

  // ---- ReplyDialect

  accepts(head: HeaderList): boolean {
    this.#head = head;
    return true;
  }

  statusOf(): number {
    const status = Number(headerOf(this.#head, ":status"));
    return status >= 200 && status < 300 ? GrpcStatus.OK : GrpcStatus.UNKNOWN;
  }

  statusOfDataEnd(): number {
    return this.statusOf();
  }

  writeFault(): void {
    // The end of the call tells it.
  }

  /** Gives of the event what there is credit for. */
  #give(): void {
    // What is given gives credit back from inside.
    if (this.#isGiving) return;
    this.#isGiving = true;
    while (this.#creditBytes > 0 && this.#givenBytes < this.#event.length && !this.#call.ended) {
      const chunk = this.#event.subarray(this.#givenBytes, this.#givenBytes + this.#creditBytes);
      this.#givenBytes += chunk.length;
      this.#creditBytes -= chunk.length;
      this.#call.data(chunk, this.#givenBytes === this.#event.length);
    }
    this.#isGiving = false;
  }

  #ended({ cause }: CallEnded): void {
    const body = cause === undefined ? Buffer.concat(this.#chunks) : NOTHING;
    this.#chunks = [];
    this.#budget.release(this.#bodyBytes);
    const run = this.#run();
    if (cause !== undefined) {
      this.#answered({ kind: "fault", fault: cause, ...(run && { run }) });
      return;
    }
    // Without a run no instance answered.
    if (run === undefined) throw new Error("An invocation cannot end well that reached no instance");
    const contentType = headerOf(this.#head, "content-type") ?? "";
    const httpStatus = Number(headerOf(this.#head, ":status"));
    this.#answered({
      kind: "answered",
      httpStatus,
      contentType,
      fcStatus: headerOf(this.#head, "x-fc-status") ?? "",
      isGrpc: isGrpcAnswer(httpStatus, contentType, this.#head),
      body,
      run,
    });
  }

  #run(): InvocationRun | undefined {
    const { instance } = this.#call;
    if (instance === undefined) return undefined;
    const { versionId } = instance.revision;
    return { instanceId: instance.id, durationMs: this.#call.ranForMs, ...(versionId !== undefined && { versionId }) };
  }
}

/** grpc-java answers text/plain with a grpc-status, grpc-go and grpc-js 415, others trailers only. */
function isGrpcAnswer(httpStatus: number, contentType: string, head: HeaderList): boolean {
  return (
    httpStatus === 415 || contentType.startsWith("application/grpc") || headerOf(head, "grpc-status") !== undefined
  );
}

/** Function Compute: the event is the body of POST /invoke. */
function eventHead(bodyBytes: number): HeaderList {
  return [
    ...[":method", "POST", ":scheme", "http", ":path", "/invoke", ":authority", "localhost"],
    ...["content-type", "application/octet-stream", "content-length", String(bodyBytes)],
  ];
}
