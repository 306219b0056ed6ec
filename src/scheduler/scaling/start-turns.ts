import { Timer, type TimerWheel } from "../../base/base.ts";

/**
 * A start that takes longer waits more than it works (a program that never listens has until the start limit), and
 * must not keep others from starting: after this time its turn counts as over.
 */
const TURN_MAX_MS = 10_000;

/** `started`: ask again for more; `noRoom`: when there is room; `enough`: nothing is wanted any more. */
export type StartAttempt = "started" | "noRoom" | "enough";

/** Who wants to start instances: one function. */
export interface StartCandidate {
  /** Begins one start if one is still wanted, and there is room. */
  tryStart(): StartAttempt;
}

/**
 * Bounds how many instances start at once on this machine, and gives turns to functions round-robin, so that a
 * function with hundreds of waiting calls delays another's first start by at most one start.
 */
export class StartTurns extends Timer {
  readonly #atOnceMax: number;
  readonly #wheel: TimerWheel;
  /** Starts that hold a turn, with the time at which it is over; oldest first. */
  readonly #running = new Map<object, number>();
  /** Who waits for a turn, next first. */
  readonly #waiting = new Set<StartCandidate>();
  /** Who had its turn, and waits for room. */
  readonly #noRoom = new Set<StartCandidate>();
  #giving = false;
  #closed = false;

  constructor(atOnceMax: number, wheel: TimerWheel) {
    super();
    this.#atOnceMax = atOnceMax;
    this.#wheel = wheel;
  }

  /** Has `candidate` begin what it wants as turns and room come. */
  want(candidate: StartCandidate): void {
    if (this.#closed || this.#noRoom.has(candidate)) return;
    this.#waiting.add(candidate);
    this.#give();
  }

  /** Nothing of what `candidate` wanted holds any more. */
  forget(candidate: StartCandidate): void {
    this.#waiting.delete(candidate);
    this.#noRoom.delete(candidate);
  }

  isWaitingForTurn(candidate: StartCandidate): boolean {
    return this.#waiting.has(candidate);
  }

  isWaitingForRoom(candidate: StartCandidate): boolean {
    return this.#noRoom.has(candidate);
  }

  get someWaitForRoom(): boolean {
    return this.#noRoom.size > 0;
  }

  /** A start has begun: to be called from within `tryStart`. */
  began(start: object, nowMs: number): void {
    this.#running.set(start, nowMs + TURN_MAX_MS);
    if (!this.armed) this.#wheel.arm(this, TURN_MAX_MS);
  }

  /** The start has worked, failed or been given up; does nothing when that was told before. */
  finished(start: object): void {
    if (this.#running.delete(start)) this.#give();
  }

  /** An instance is gone, or idle so that it can be spared: who had no room when it was its turn is next. */
  roomChanged(): void {
    const behind = [...this.#waiting];
    this.#waiting.clear();
    for (const candidate of [...this.#noRoom, ...behind]) this.#waiting.add(candidate);
    this.#noRoom.clear();
    this.#give();
  }

  /** Nothing is started from now on. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#noRoom.clear();
  }

  override fire(nowMs: number): void {
    for (const [start, overAt] of this.#running) {
      if (overAt > nowMs) {
        this.#wheel.arm(this, overAt - nowMs);
        break;
      }
      this.#running.delete(start);
    }
    this.#give();
  }

  #give(): void {
    // What a start sets off may come back here; the loop that runs goes on with it.
    if (this.#giving) return;
    this.#giving = true;
    try {
      while (this.#running.size < this.#atOnceMax) {
        const candidate = this.#waiting.values().next().value;
        if (candidate === undefined) return;
        this.#waiting.delete(candidate);
        const attempt = candidate.tryStart();
        if (this.#closed || attempt === "enough") continue;
        (attempt === "started" ? this.#waiting : this.#noRoom).add(candidate);
      }
    } finally {
      this.#giving = false;
    }
  }
}
