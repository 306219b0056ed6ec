import { percentile } from "../lib/statistics.ts";

/** A call that waits no longer has not waited for a start: to wake an instance takes less. */
const COLD_MS = 10;

/** What a policy did to the calls of a day, and what it cost. */
export class Outcome {
  /** Instance-seconds from spawn to end. */
  aliveSeconds = 0;
  /** Those of them in which the instance had the CPU: it was not frozen. */
  runningSeconds = 0;
  refused = 0;
  readonly #waitsMs: number[] = [];

  waited(ms: number): void {
    this.#waitsMs.push(ms);
  }

  get calls(): number {
    return this.#waitsMs.length + this.refused;
  }

  /** Share of calls that waited for a start, or for a slot as long as for one, in percent. */
  get coldPercent(): number {
    return (100 * this.#waitsMs.filter((ms) => ms > COLD_MS).length) / this.calls;
  }

  /** The wait below which a share of the calls lies. */
  waitMs(share: number): number {
    return percentile(this.#waitsMs, share);
  }
}
