import type { TimerWheel } from "../base/base.ts";
import type { HeaderList } from "../h2/h2.ts";
import type { BusyMeter } from "../metering/metering.ts";
import type { InstanceAnswer, InstanceQuestion } from "../scheduler/scheduler.ts";
import { Inquiry, type InquiryObserver } from "./inquiry.ts";
import type { InstanceConnection } from "./instance-connection.ts";

/** The link that the inquiries belong to. */
export interface InquiriesHost {
  /** The connection that takes calls. */
  readonly current: InstanceConnection | undefined;
  /** `holdsStream` has changed, by the hand of whoever called. */
  streamHeldChanged(): void;
}

/**
 * The questions that are open at one instance. They come beside the calls and count toward none of their limits, but the
 * peer's MAX_CONCURRENT_STREAMS holds for both (RFC 9113 §5.1.2): where calls may take all streams, one is held back for
 * as long as a question waits for it or has it.
 */
export class Inquiries implements InquiryObserver {
  readonly #wheel: TimerWheel;
  readonly #host: InquiriesHost;
  readonly #open = new Set<Inquiry>();
  #holdsStream = false;

  constructor(wheel: TimerWheel, host: InquiriesHost) {
    this.#wheel = wheel;
    this.#host = host;
  }

  /** Calls shall leave one stream of the peer's free. */
  get holdsStream(): boolean {
    return this.#holdsStream;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** `meter`: of a hook. */
  ask(question: InstanceQuestion, head: HeaderList, meter: BusyMeter | undefined): Promise<InstanceAnswer> {
    const inquiry = new Inquiry({ question, head, meter, wheel: this.#wheel, observer: this });
    this.#open.add(inquiry);
    this.putWaiting();
    return inquiry.answer;
  }

  /** Puts what waits: a connection takes calls, or a stream has ended. */
  putWaiting(): void {
    const { current } = this.#host;
    if (current === undefined) return;
    for (const inquiry of this.#open) {
      if (!inquiry.isWaiting) continue;
      if (current.canOpen) inquiry.put(current);
      else this.#hold(true);
    }
  }

  /** A call needs the last stream of the peer's. */
  giveWay(): void {
    for (const inquiry of this.#open) {
      if (!inquiry.canGiveWay) continue;
      inquiry.giveWay();
      return;
    }
  }

  /** Nothing is to be asked any more. */
  close(detail: string): void {
    for (const inquiry of [...this.#open]) inquiry.fail(detail);
  }

  // ---- its inquiries

  inquiryWaits(): void {
    // Not from here: the stream that it had is not gone yet, or is a call's by right.
    queueMicrotask(() => this.putWaiting());
  }

  inquiryEnded(inquiry: Inquiry): void {
    this.#open.delete(inquiry);
    if (this.#open.size === 0) this.#hold(false);
  }

  #hold(holdsStream: boolean): void {
    if (this.#holdsStream === holdsStream) return;
    this.#holdsStream = holdsStream;
    this.#host.streamHeldChanged();
  }
}
