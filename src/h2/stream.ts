import type { QueueLinks } from "../base/base.ts";
import type { HeaderList, Stream, StreamHandler } from "./contract.ts";
import { ErrorCode, type StreamFault, UsageError } from "./errors.ts";
import { StreamWindow } from "./flow-window.ts";
import type { Outbound } from "./outbound.ts";
import type { SendQueue } from "./send-queue.ts";
import { Half } from "./stream-state.ts";
import type { StreamTable } from "./stream-table.ts";

/** Periods of a second or so after which a stream counts as one that somebody wanted. */
const PREMATURE_PERIODS = 2;

/**
 * One stream that is not closed. Its handler uses the methods of `Stream`; the rest is for the connection's parts:
 * `Outbound` sends for it, `Inbound` tells it what the peer sent, `StreamTable` holds it.
 */
export class OpenStream implements Stream, QueueLinks<OpenStream> {
  readonly id: number;
  local: Half = Half.HEAD;
  remote: Half = Half.HEAD;
  isReset = false;
  /** Bytes that the peer lets us send; below 0 after it made its initial window smaller (RFC 9113 §6.9.2). */
  sendWindowBytes: number;
  /** DATA, then trailers, that wait for window or socket. */
  queue: SendQueue | undefined;
  queuedTrailers: HeaderList | undefined;
  /** While there is a queue: the period in which it last moved. */
  waitingSincePeriod = 0;
  /** Bytes of DATA that content-length still promises (RFC 9113 §8.1.1); -1: it promises nothing. */
  contentLeftBytes = -1;
  /** A response to HEAD has a content-length without content. */
  isHeadRequest = false;
  /** Its place among the streams that have DATA and window. */
  queuePrevious: OpenStream | undefined;
  queueNext: OpenStream | undefined;
  queuedIn: unknown = undefined;
  /** Undefined while the owner's `request` event has not returned yet: what happens meanwhile is told afterwards. */
  #handler: StreamHandler | undefined;
  /** Made with the first DATA: many streams wait long for theirs. */
  #receiveWindow: StreamWindow | undefined;
  #isOver = false;
  #resetsWhenSent = false;
  #earlySentBytes = 0;
  #earlyReset: { code: ErrorCode; unprocessed: boolean; fault: StreamFault | undefined } | undefined;
  readonly #openedInPeriod: number;
  readonly #table: StreamTable;
  readonly #outbound: Outbound;

  constructor(id: number, table: StreamTable, outbound: Outbound) {
    this.id = id;
    this.#table = table;
    this.#openedInPeriod = table.period;
    this.#outbound = outbound;
    this.sendWindowBytes = outbound.peer.initialWindowSizeBytes;
  }

  get receiveWindow(): StreamWindow {
    this.#receiveWindow ??= new StreamWindow(this.#table.options.streamWindowBytes);
    return this.#receiveWindow;
  }

  get localClosed(): boolean {
    return this.local === Half.CLOSED;
  }

  get remoteClosed(): boolean {
    return this.remote === Half.CLOSED;
  }

  /** Young, and without any answer yet: a reset now is what a rapid reset attack consists of. */
  get isPremature(): boolean {
    return this.local === Half.HEAD && this.#table.period - this.#openedInPeriod < PREMATURE_PERIODS;
  }

  /** The connection's ticks so far. */
  get period(): number {
    return this.#table.period;
  }

  get stalledPeriods(): number {
    return this.queue === undefined ? -1 : this.period - this.waitingSincePeriod;
  }

  get queuedBytes(): number {
    return this.queue?.sizeBytes ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  headers(headers: HeaderList, endStream: boolean): void {
    if (this.#isOver) return;
    if (this.local !== Half.HEAD) throw new UsageError(`headers given twice on stream ${this.id}`);
    this.local = endStream ? Half.CLOSED : Half.BODY;
    this.#outbound.headers(this.id, headers, endStream);
    if (endStream) this.localEnded();
  }

  data(chunk: Buffer, endStream: boolean): void {
    if (this.#isOver) return;
    this.#checkBody("data");
    this.#outbound.data(this, chunk, endStream);
  }

  trailers(headers: HeaderList): void {
    if (this.#isOver) return;
    this.#checkBody("trailers");
    this.#outbound.trailers(this, headers);
  }

  reset(code: ErrorCode): void {
    if (this.#isOver) return;
    if (code === ErrorCode.NO_ERROR && this.local === Half.ENDING) {
      this.#resetsWhenSent = true;
      return;
    }
    this.#outbound.reset(this.id, code);
    this.#close(true);
  }

  dropQueued(): void {
    if (this.#isOver || this.queue === undefined || this.local !== Half.BODY) return;
    this.queue = undefined;
    this.#outbound.forget(this);
  }

  consumed(bytes: number): void {
    if (this.remote === Half.CLOSED) return;
    const window = this.receiveWindow;
    window.drained(bytes, this.#outbound);
    const increment = window.credit(bytes);
    if (increment > 0) this.#outbound.windowUpdate(this.id, increment);
  }

  /** What the peer sends from now on goes to `handler`, and what happened before it was known is told. */
  attach(handler: StreamHandler): void {
    this.#handler = handler;
    if (this.#earlySentBytes > 0) handler.sent(this.#earlySentBytes);
    if (this.#earlyReset !== undefined) {
      handler.reset(this.#earlyReset.code, this.#earlyReset.unprocessed, this.#earlyReset.fault);
    }
    if (this.#isOver) handler.closed();
  }

  /** The handler of a stream that the peer may send on: there is one. */
  get handler(): StreamHandler {
    return this.#handler!;
  }

  sent(bytes: number): void {
    if (this.#handler === undefined) this.#earlySentBytes += bytes;
    else this.#handler.sent(bytes);
  }

  /** END_STREAM of ours is on its way (`local` is CLOSED already). */
  localEnded(): void {
    if (this.#isOver) return;
    if (this.remote === Half.CLOSED) this.#close(false);
    else if (this.#resetsWhenSent) this.reset(ErrorCode.NO_ERROR);
  }

  /** END_STREAM of the peer's was passed on (`remote` is CLOSED already). */
  remoteEnded(): void {
    if (!this.#isOver && this.local === Half.CLOSED) this.#close(false);
  }

  /** The stream ended for a reason that is not the handler's: it is told. */
  aborted(code: ErrorCode, unprocessed: boolean, fault: StreamFault | undefined): void {
    if (this.#isOver) return;
    this.#markClosed(true);
    if (this.#handler === undefined) {
      this.#earlyReset = { code, unprocessed, fault };
      return;
    }
    this.#handler.reset(code, unprocessed, fault);
    this.#handler.closed();
  }

  /** The stream ended before the owner knew of it. */
  discard(): void {
    if (!this.#isOver) this.#close(true);
  }

  #close(isReset: boolean): void {
    this.#markClosed(isReset);
    this.#handler?.closed();
  }

  #markClosed(isReset: boolean): void {
    this.#isOver = true;
    this.isReset = isReset;
    this.local = Half.CLOSED;
    this.queue = undefined;
    this.queuedTrailers = undefined;
    this.#table.remove(this);
    this.remote = Half.CLOSED;
    this.#receiveWindow?.release(this.#table.options.memoryBudget);
    this.#outbound.forget(this);
  }

  #checkBody(call: string): void {
    if (this.local === Half.HEAD) throw new UsageError(`${call} before headers on stream ${this.id}`);
    if (this.local !== Half.BODY) throw new UsageError(`${call} after the end of stream ${this.id}`);
  }
}
