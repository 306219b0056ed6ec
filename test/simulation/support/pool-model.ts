import type { Revision } from "../../../src/model/model.ts";
import type { SimFunction } from "./sim-function.ts";
import type { SimInstance } from "./sim-instance.ts";

/** What an instance has to wake up, or is given up (src/scheduler/life/rest.ts); its driver may report 1 ms before. */
const WAKE_LIMIT_MS = 5000 - 1;

/** What the instances of one revision should be doing, counted apart from the scheduler's own counts. */
export class PoolModel {
  readonly revision: Revision;
  readonly fn: SimFunction;
  /** All that run, also those that end. */
  readonly instances = new Set<SimInstance>();
  starting = 0;
  serving = 0;
  /** Of those that serve: connecting anew or waking up, so that they take calls soon. */
  soon = 0;
  /** Slots that a call could take now. */
  freeSlots = 0;
  startsEver = 0;
  /** An instance of it has taken calls. */
  hasWorked = false;
  /** What the last instance that came up took at once. */
  callsPerInstance: number;
  /** A newer revision that failed to start: it is not tried again. */
  failed = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;

  constructor(revision: Revision, fn: SimFunction) {
    this.revision = revision;
    this.fn = fn;
    this.callsPerInstance = revision.instanceConcurrency;
  }

  get isAlive(): boolean {
    return this.starting > 0 || this.serving > 0;
  }

  get coming(): number {
    return this.starting + this.soon;
  }

  /**
   * Instances that do not come any more: they did not wake up in time, or idled out while they connected anew. Others are
   * started in their place before they are stopped.
   */
  givenUp(nowMs: number, idleStopMs: number): number {
    let count = 0;
    for (const { isSoon, wakesSince, idleSince } of this.instances) {
      if (isSoon && (nowMs - wakesSince >= WAKE_LIMIT_MS || nowMs - idleSince >= idleStopMs)) count += 1;
    }
    return count;
  }

  /** Its last start failed. */
  get isFailing(): boolean {
    return this.#pauseMs > 0;
  }

  /** From when on a start may be tried again. */
  get pausedUntil(): number {
    return this.#failedAt + this.#pauseMs;
  }

  /** The rule of design and manual: 1, 2, 4 .. seconds between failures; starts side by side fail as one. */
  startFailed(begunAt: number, nowMs: number, firstMs: number, maxMs: number): void {
    if (begunAt < this.#failedAt) return;
    this.#pauseMs = Math.min(maxMs, this.#pauseMs === 0 ? firstMs : 2 * this.#pauseMs);
    this.#failedAt = nowMs;
  }

  startWorked(): void {
    this.hasWorked = true;
    this.#pauseMs = 0;
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }
}
