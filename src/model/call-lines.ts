import type { FunctionKey } from "./ids.ts";
import type { CallEnded, EndedCalls } from "./messages.ts";

const FIRST_BYTES = 4 * 1024;
/** What is left of a buffer that a burst made large, when it is taken. */
const KEPT_BYTES = 256 * 1024;
/** Digits, point and sign of a number, generously. */
const NUMBER_BYTES = 24;

const SOURCE = Buffer.from(',"source":"call","requestId":"', "latin1");
const STATUS = Buffer.from(',"grpcStatus":', "latin1");
const NO_INSTANCE = Buffer.from("}\n", "latin1");

/**
 * Gathers the calls of one function that it ended itself, as the lines of its log (call-line.ts), in bytes: a line is
 * put together from pieces that the lines before it had too, and no string is made of it. The lines are what `callLine`
 * makes, byte by byte.
 */
export class CallLines {
  readonly #function: FunctionKey;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  #count = 0;
  readonly #start: Buffer;
  /** From behind the request id to the duration, for this method. */
  #method: Buffer = Buffer.alloc(0);
  #methodName: string | undefined;
  /** The end of a line, for this instance. */
  #instance: Buffer = NO_INSTANCE;
  #instanceId: string | undefined;

  constructor(key: FunctionKey) {
    this.#function = key;
    this.#start = Buffer.from(`{"function":"${key}","at":`, "utf8");
  }

  get count(): number {
    return this.#count;
  }

  append(ended: CallEnded): void {
    if (ended.method !== this.#methodName) this.#renewMethod(ended.method);
    if (ended.instanceId !== this.#instanceId) this.#renewInstance(ended.instanceId);
    const { requestId } = ended;
    const fixedBytes = this.#start.length + SOURCE.length + this.#method.length + STATUS.length + this.#instance.length;
    this.#reserve(fixedBytes + requestId.length + 3 * NUMBER_BYTES);
    this.#piece(this.#start);
    this.#integer(ended.at);
    this.#piece(SOURCE);
    this.#end += this.#bytes.write(requestId, this.#end, "latin1");
    this.#piece(this.#method);
    this.#milliseconds(ended.durationMs);
    this.#piece(STATUS);
    this.#integer(ended.grpcStatus);
    this.#piece(this.#instance);
    this.#count++;
  }

  /** What was gathered since the last time. */
  take(): EndedCalls {
    const lines = new Uint8Array(this.#bytes.subarray(0, this.#end));
    const calls = { function: this.#function, lines, count: this.#count };
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#end = 0;
    this.#count = 0;
    return calls;
  }

  #renewMethod(method: string): void {
    this.#methodName = method;
    this.#method = Buffer.from(`","method":${JSON.stringify(method)},"durationMs":`, "utf8");
  }

  #renewInstance(instanceId: string | undefined): void {
    this.#instanceId = instanceId;
    this.#instance = instanceId === undefined ? NO_INSTANCE : Buffer.from(`,"instanceId":"${instanceId}"}\n`, "utf8");
  }

  #reserve(count: number): void {
    if (this.#bytes.length - this.#end >= count) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + count));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }

  #piece(piece: Buffer): void {
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** Microseconds as JSON writes milliseconds: no point without a fraction, no zero at its end. */
  #milliseconds(durationMs: number): void {
    const microseconds = Math.round(durationMs * 1000);
    const whole = Math.floor(microseconds / 1000);
    const fraction = microseconds - whole * 1000;
    this.#integer(whole);
    if (fraction === 0) return;
    this.#bytes[this.#end++] = 0x2e;
    let rest = fraction;
    for (let unit = 100; rest > 0; unit /= 10) {
      const digit = Math.floor(rest / unit);
      this.#bytes[this.#end++] = 0x30 + digit;
      rest -= digit * unit;
    }
  }

  /** A whole number from 0 on. */
  #integer(value: number): void {
    if (value < 10) {
      this.#bytes[this.#end++] = 0x30 + value;
      return;
    }
    const first = this.#end;
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits++;
    let rest = value;
    for (let at = first + digits - 1; at >= first; at--) {
      const next = Math.floor(rest / 10);
      this.#bytes[at] = 0x30 + (rest - next * 10);
      rest = next;
    }
    this.#end = first + digits;
  }
}
