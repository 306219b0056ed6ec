import type { Clock, WakeUp } from "./clock.ts";

/** Width of a slot: a timer fires at most this long after it is due, never before. */
const SLOT_MS = 4;
const SLOT_COUNT = 1024;

/**
 * A timer that its owner embeds: arming and disarming it allocates nothing. `fire` runs once for each time it is
 * armed, on the wheel's loop; what it throws goes to the wheel's `onError`.
 */
export abstract class Timer {
  /** When it is due, in the clock's monotonic milliseconds; meaningful only while `armed`. */
  dueAt = 0;
  armed = false;
  /** @internal Links of the slot's list. */
  previous: Timer | undefined = undefined;
  /** @internal */
  next: Timer | undefined = undefined;
  /** @internal */
  slot = 0;
  abstract fire(nowMs: number): void;
}

/**
 * Hashed timer wheel (Varghese and Lauck): arm and disarm in constant time, whatever the number of timers, and one
 * wake-up of the clock for all of them. Timers further away than one turn of the wheel (about 4 s) stay in their slot
 * and are looked at once a turn.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #slots: (Timer | undefined)[] = new Array<Timer | undefined>(SLOT_COUNT).fill(undefined);
  #armedCount = 0;
  /** The last slot number (time / SLOT_MS, not wrapped) that was emptied of due timers. */
  #turnedTo: number;
  #wakeUp: WakeUp | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;

  /** `onError` is told what a timer's `fire` threw; the other timers go on. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
    this.#turnedTo = Math.floor(clock.nowMs() / SLOT_MS) - 1;
  }

  get armedCount(): number {
    return this.#armedCount;
  }

  /** Arms `timer` for `delayMs` from now; one that is armed is moved. */
  arm(timer: Timer, delayMs: number): void {
    this.armAt(timer, this.#clock.nowMs() + Math.max(0, delayMs));
  }

  /** As `arm`, for one who knows the time: `dueAt` in the clock's monotonic milliseconds. */
  armAt(timer: Timer, dueAt: number): void {
    if (timer.armed) this.disarm(timer);
    // What is due already has a slot that is still to come.
    const slotNumber = Math.max(Math.ceil(dueAt / SLOT_MS), this.#turnedTo + 1);
    const slot = slotNumber % SLOT_COUNT;
    timer.dueAt = dueAt;
    timer.slot = slot;
    timer.armed = true;
    timer.previous = undefined;
    const first = this.#slots[slot];
    timer.next = first;
    if (first !== undefined) first.previous = timer;
    this.#slots[slot] = timer;
    this.#armedCount += 1;
    if (slotNumber * SLOT_MS < this.#wakesAt) this.#wakeAt(slotNumber * SLOT_MS);
  }

  /** Takes `timer` off the wheel; does nothing when it is not armed. */
  disarm(timer: Timer): void {
    if (!timer.armed) return;
    timer.armed = false;
    if (timer.previous !== undefined) timer.previous.next = timer.next;
    else this.#slots[timer.slot] = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.previous = undefined;
    timer.next = undefined;
    this.#armedCount -= 1;
  }

  #wakeAt(atMs: number): void {
    this.#wakeUp?.cancel();
    this.#wakesAt = atMs;
    this.#wakeUp = this.#clock.wakeAfter(Math.max(0, atMs - this.#clock.nowMs()), () => this.#turn());
  }

  #turn(): void {
    this.#wakeUp = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    const target = Math.floor(nowMs / SLOT_MS);
    const first = Math.max(this.#turnedTo + 1, target - SLOT_COUNT + 1);
    for (let slotNumber = first; slotNumber <= target; slotNumber++) {
      this.#fireDue(slotNumber % SLOT_COUNT, nowMs);
    }
    this.#turnedTo = Math.max(this.#turnedTo, target);
    if (this.#armedCount > 0) this.#wakeAt(this.#nextOccupied() * SLOT_MS);
  }

  #fireDue(slot: number, nowMs: number): void {
    let timer = this.#slots[slot];
    while (timer !== undefined) {
      if (timer.dueAt > nowMs) {
        timer = timer.next;
        continue;
      }
      this.disarm(timer);
      try {
        timer.fire(nowMs);
      } catch (error) {
        this.#onError(error);
      }
      // `fire` may have changed the list: begin again. What it re-armed is due later, so this ends.
      timer = this.#slots[slot];
    }
  }

  #nextOccupied(): number {
    for (let ahead = 1; ahead <= SLOT_COUNT; ahead++) {
      const slotNumber = this.#turnedTo + ahead;
      if (this.#slots[slotNumber % SLOT_COUNT] !== undefined) return slotNumber;
    }
    return this.#turnedTo + SLOT_COUNT;
  }
}
