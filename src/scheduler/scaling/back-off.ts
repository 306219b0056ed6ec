import type { Fault } from "../../model/model.ts";

/** Pauses between failed starts of one revision: 1, 2, 4 .. 60 s. A start that works forgets them. */
export class BackOff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #pauseMs = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #fault: Fault | undefined;

  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** A start that had begun at `begunAt` failed. */
  failed(fault: Fault, begunAt: number, nowMs: number): void {
    this.#fault = fault;
    // Starts that ran side by side and failed one after the other are one failure.
    if (begunAt < this.#failedAt) return;
    this.#pauseMs = Math.min(this.#maxMs, this.#pauseMs === 0 ? this.#firstMs : this.#pauseMs * 2);
    this.#failedAt = nowMs;
  }

  worked(): void {
    this.#pauseMs = 0;
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#fault = undefined;
  }

  /** When the pause is over; in the past where there is none. */
  get endsAt(): number {
    return this.#failedAt + this.#pauseMs;
  }

  /** `paused`: start none; `trying`: the pause is over, one start shows whether it works again; `off`: all is well. */
  stateAt(nowMs: number): "off" | "paused" | "trying" {
    if (this.#fault === undefined) return "off";
    return nowMs < this.endsAt ? "paused" : "trying";
  }

  /** The failure that calls are answered with while the pause lasts, with the time left; undefined: there is none. */
  refusal(nowMs: number): Fault | undefined {
    if (this.#fault === undefined || nowMs >= this.endsAt) return undefined;
    const seconds = Math.ceil((this.endsAt - nowMs) / 1000);
    return { ...this.#fault, message: `${this.#fault.message} (tried again in ${seconds} s)` };
  }
}
