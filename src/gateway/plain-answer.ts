import { Timer, type TimerWheel } from "../base/base.ts";
import { ErrorCode, type Stream, type StreamHandler } from "../h2/h2.ts";

/** Time that a request gets to end before it is answered as it stands. */
const REQUEST_WAIT_MS = 1000;

/** Bytes of a request that are read, and dropped, before it is answered as it stands. */
const REQUEST_BYTES_MAX = 64 * 1024;

/**
 * The answer to a request that is no call: plain text, one sentence. It waits for the request's end, so that one that
 * proves malformed in its content or trailers is reset, as RFC 9113 §8.1.1 asks, and not answered. No answer waits for
 * long: an endless request is answered, and then given up with NO_ERROR (RFC 9113 §8.1).
 */
export class PlainAnswer extends Timer implements StreamHandler {
  readonly #stream: Stream;
  readonly #wheel: TimerWheel;
  readonly #head: readonly string[];
  readonly #body: Buffer;
  #isAnswered = false;
  #receivedBytes = 0;

  constructor(
    stream: Stream,
    wheel: TimerWheel,
    answer: {
      readonly httpStatus: number;
      readonly message: string;
      readonly requestId: string;
      readonly method: string;
    },
  ) {
    super();
    this.#stream = stream;
    this.#wheel = wheel;
    const body = Buffer.from(`${answer.message} (request id: ${answer.requestId})\n`, "utf8");
    this.#head = [
      ":status",
      String(answer.httpStatus),
      "content-type",
      "text/plain; charset=utf-8",
      "content-length",
      String(body.length),
      "x-fc-request-id",
      answer.requestId,
    ];
    // RFC 9110 §9.3.2: an answer to HEAD says how long the content would be, and has none.
    this.#body = answer.method === "HEAD" ? Buffer.alloc(0) : body;
    if (stream.remoteClosed) this.#answer();
    else wheel.arm(this, REQUEST_WAIT_MS);
  }

  headers(): void {}

  data(chunk: Buffer, endStream: boolean): void {
    this.#stream.consumed(chunk.length);
    this.#receivedBytes += chunk.length;
    if (endStream || this.#receivedBytes > REQUEST_BYTES_MAX) this.#answer();
  }

  trailers(): void {
    this.#answer();
  }

  reset(): void {}
  sent(): void {}

  closed(): void {
    this.#wheel.disarm(this);
  }

  override fire(): void {
    this.#answer();
  }

  #answer(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#wheel.disarm(this);
    const stream = this.#stream;
    const hasContent = this.#body.length > 0;
    stream.headers([...this.#head], !hasContent);
    if (hasContent) stream.data(this.#body, true);
    if (!stream.remoteClosed) stream.reset(ErrorCode.NO_ERROR);
  }
}
