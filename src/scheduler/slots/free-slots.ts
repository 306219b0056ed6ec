import { OrderedBits } from "./ordered-bits.ts";

/** What an instance carries so that finding a free slot allocates nothing. */
export interface SlotHolder {
  readonly openCalls: number;
  /** Calls that it may have at once now; 0 while it takes none. */
  readonly capacity: number;
  /** Its slots are taken before those of others that are not. */
  readonly provisioned: boolean;
  /** Its place in the order of age; -1: not here. Set by FreeSlots. */
  seat: number;
  /** Where it stands in the order of preference; -1: it has no free slot. Set by FreeSlots. */
  rank: number;
}

/** Seats at first, a power of two; doubled when more than half are taken at a renumbering. */
const SEATS_FIRST = 32;

/**
 * The instances of a pool in the order in which calls should take their free slots: provisioned ones first, then the
 * fullest, among equals the one that came first. So load gathers on few old instances, and the others go idle and are stopped. Finding,
 * taking and freeing take the same few steps whatever the number of instances.
 *
 * The order is one number: `rank = (callsMax - 1 - openCalls) * seats + seat`, and behind all of these the same again
 * for those that are not provisioned.
 */
export class FreeSlots<T extends SlotHolder> {
  readonly #callsMax: number;
  readonly #softCallsMax: number;
  #holders: (T | undefined)[] = [];
  #seats = SEATS_FIRST;
  #ranks: OrderedBits;
  #holderCount = 0;
  #nextSeat = 0;
  #calmCount = 0;

  /** `callsMax`: no holder has more calls; `softCallsMax`: one with at most so many is calm. */
  constructor(callsMax: number, softCallsMax: number) {
    this.#callsMax = callsMax;
    this.#softCallsMax = softCallsMax;
    this.#ranks = new OrderedBits(2 * callsMax * this.#seats);
  }

  /** Holders with a free slot and no more than `softCallsMax` calls. */
  get calmCount(): number {
    return this.#calmCount;
  }

  /** Takes in a new, youngest holder. */
  add(holder: T): void {
    if (this.#nextSeat === this.#seats) this.#renumber();
    this.#sit(holder);
    this.#holderCount += 1;
  }

  remove(holder: T): void {
    if (holder.seat < 0) return;
    this.#place(holder, -1);
    this.#holders[holder.seat] = undefined;
    holder.seat = -1;
    this.#holderCount -= 1;
  }

  /** The holder whose slot the next call should take; it stays here until `update`. */
  preferred(): T | undefined {
    const rank = this.#ranks.first();
    return rank < 0 ? undefined : this.#holders[rank & (this.#seats - 1)];
  }

  /** To be called whenever a holder's open calls, capacity or class have changed. */
  update(holder: T): void {
    if (holder.seat >= 0) this.#place(holder, this.#rankOf(holder));
  }

  #rankOf(holder: T): number {
    if (holder.openCalls >= holder.capacity) return -1;
    const classRank = holder.provisioned ? 0 : this.#classSize;
    return classRank + (this.#callsMax - 1 - holder.openCalls) * this.#seats + holder.seat;
  }

  #place(holder: T, rank: number): void {
    const before = holder.rank;
    if (rank === before) return;
    if (before >= 0) {
      this.#ranks.delete(before);
      if (this.#isCalm(before)) this.#calmCount -= 1;
    }
    holder.rank = rank;
    if (rank >= 0) {
      this.#ranks.add(rank);
      if (this.#isCalm(rank)) this.#calmCount += 1;
    }
  }

  get #classSize(): number {
    return this.#callsMax * this.#seats;
  }

  #isCalm(rank: number): boolean {
    const size = this.#classSize;
    return (rank >= size ? rank - size : rank) >= (this.#callsMax - 1 - this.#softCallsMax) * this.#seats;
  }

  #sit(holder: T): void {
    holder.seat = this.#nextSeat;
    holder.rank = -1;
    this.#holders[holder.seat] = holder;
    this.#nextSeat += 1;
    this.#place(holder, this.#rankOf(holder));
  }

  /** All seats were given once: seats those that are left anew, in their order. Rare: half the seats are free then. */
  #renumber(): void {
    const left = this.#holders.filter((holder) => holder !== undefined);
    while (this.#holderCount * 2 > this.#seats) this.#seats *= 2;
    this.#ranks = new OrderedBits(2 * this.#classSize);
    this.#holders = [];
    this.#nextSeat = 0;
    this.#calmCount = 0;
    for (const holder of left) this.#sit(holder);
  }
}
