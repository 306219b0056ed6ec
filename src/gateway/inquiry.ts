import { Timer, type TimerWheel } from "../base/base.ts";
import { HEALTH_CHECK_REQUEST } from "../grpc/grpc.ts";
import { ErrorCode, type HeaderList, type Stream, type StreamFault, type StreamHandler } from "../h2/h2.ts";
import type { BusyMeter } from "../metering/metering.ts";
import type { InstanceAnswer, InstanceQuestion } from "../scheduler/scheduler.ts";
import { readHealthAnswer, readHttpAnswer } from "./instance-answer.ts";
import type { InstanceConnection } from "./instance-connection.ts";

/** Bytes of an answer's body that are read; the rest is refused. */
const BODY_MAX_BYTES = 64 * 1024;

/** Times that a question is put again that was surely not seen. */
const REPEATS_MAX = 1;

/** What an inquiry tells those that keep it. */
export interface InquiryObserver {
  /** It was not seen, or gave way to a call: it waits again. */
  inquiryWaits(inquiry: Inquiry): void;
  inquiryEnded(inquiry: Inquiry): void;
}

/**
 * One question to an instance: a stream of its own beside those of calls, with its own time limit.
 *
 *     waiting ──put──▶ asked ──answer, reset, time over──▶ ended
 *        ▲               │
 *        └─ not seen, or a call needs the stream
 */
export class Inquiry extends Timer implements StreamHandler {
  readonly answer: Promise<InstanceAnswer>;
  readonly #question: InstanceQuestion;
  readonly #head: HeaderList;
  readonly #wheel: TimerWheel;
  /** Of a hook only. */
  readonly #meter: BusyMeter | undefined;
  readonly #observer: InquiryObserver;
  readonly #answered: (answer: InstanceAnswer) => void;
  #connection: InstanceConnection | undefined;
  #stream: Stream | undefined;
  #repeats = 0;
  #isOver = false;
  #answerHead: HeaderList = [];
  #chunks: Buffer[] = [];
  #bodyBytes = 0;

  constructor(options: {
    readonly question: InstanceQuestion;
    readonly head: HeaderList;
    readonly wheel: TimerWheel;
    readonly meter: BusyMeter | undefined;
    readonly observer: InquiryObserver;
  }) {
    super();
    this.#question = options.question;
    this.#head = options.head;
    this.#wheel = options.wheel;
    this.#meter = options.meter;
    this.#observer = options.observer;
    const { promise, resolve } = Promise.withResolvers<InstanceAnswer>();
    this.answer = promise;
    this.#answered = resolve;
    this.#wheel.arm(this, this.#question.timeoutMs);
  }

  get isWaiting(): boolean {
    return !this.#isOver && this.#connection === undefined;
  }

  /** It holds a stream that a call may take: of a health check, which may be put again; a hook may not. */
  get canGiveWay(): boolean {
    return this.#connection !== undefined && this.#meter === undefined;
  }

  /** Puts the question. The caller has seen that the connection takes a stream. Never throws. */
  put(connection: InstanceConnection): void {
    const isHttp = this.#question.kind === "http";
    this.#connection = connection;
    try {
      this.#stream = connection.open(this.#head, undefined, isHttp, this);
    } catch (error) {
      this.fail(`it cannot be asked: ${String(error)}`);
      return;
    }
    this.#meter?.begin();
    if (!isHttp) this.#stream.data(HEALTH_CHECK_REQUEST, true);
  }

  /** Frees its stream, for a call; it is put again later. */
  giveWay(): void {
    const stream = this.#stream;
    this.#forget();
    stream?.reset(ErrorCode.CANCEL);
    this.#observer.inquiryWaits(this);
  }

  /** Ends it without an answer. */
  fail(detail: string): void {
    this.#end({ kind: "failed", detail });
  }

  override fire(): void {
    this.fail(
      this.isWaiting
        ? `no connection took a request within ${this.#question.timeoutMs} ms`
        : `no answer within ${this.#question.timeoutMs} ms`,
    );
  }

  // ---- its stream

  headers(headers: HeaderList, endStream: boolean): void {
    this.#answerHead = headers;
    if (endStream) this.#read([]);
  }

  data(chunk: Buffer, endStream: boolean): void {
    this.#stream?.consumed(chunk.length);
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes <= BODY_MAX_BYTES) this.#chunks.push(chunk);
    // What it says is known by now.
    if (endStream || this.#bodyBytes > BODY_MAX_BYTES) this.#read([]);
  }

  trailers(headers: HeaderList): void {
    this.#read(headers);
  }

  reset(code: ErrorCode, unprocessed: boolean, fault: StreamFault | undefined): void {
    if (this.#isOver || this.#connection === undefined) return;
    // A stream that is refused is an answer of the instance's; one above a GOAWAY's last id goes on the next connection.
    if (unprocessed && this.#connection.isRetired && this.#repeats < REPEATS_MAX) {
      this.#repeats += 1;
      this.#forget();
      this.#observer.inquiryWaits(this);
      return;
    }
    this.fail(fault === undefined ? `the instance reset the stream (code ${code})` : fault.message);
  }

  sent(): void {
    // The request is a few bytes; nobody waits for it.
  }

  closed(): void {
    this.#meter?.end();
  }

  #read(trailers: HeaderList): void {
    if (this.#isOver) return;
    const whole = { head: this.#answerHead, trailers, body: Buffer.concat(this.#chunks) };
    this.#end(this.#question.kind === "http" ? readHttpAnswer(whole) : readHealthAnswer(whole));
  }

  #end(answer: InstanceAnswer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wheel.disarm(this);
    const stream = this.#stream;
    this.#forget();
    // Where the instance has sent all, this does nothing.
    if (stream?.remoteClosed === false) stream.reset(ErrorCode.CANCEL);
    this.#observer.inquiryEnded(this);
    this.#answered(answer);
  }

  #forget(): void {
    this.#connection = undefined;
    this.#stream = undefined;
    this.#answerHead = [];
    this.#chunks = [];
    this.#bodyBytes = 0;
  }
}
