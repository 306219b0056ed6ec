/** What a member carries: its place in the roster, -1 while it is in none. */
export interface RosterMember {
  rosterPlace: number;
}

/**
 * The members that are there now, in no order. Entering and leaving take the same few steps and allocate nothing, and
 * nothing of a member stays behind. A Set does: at each rehash it leaves a table that still names its members, and a
 * garbage collector by generations, once it has promoted one such table, keeps all that follow it alive (measured: a
 * quarter of the gateway's time was spent on copying calls that had long ended).
 */
export class Roster<T extends RosterMember> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  enter(member: T): void {
    if (member.rosterPlace >= 0) throw new Error("Cannot enter a roster twice");
    member.rosterPlace = this.#members.length;
    this.#members.push(member);
  }

  /** Does nothing when the member is not there. */
  leave(member: T): void {
    const place = member.rosterPlace;
    if (place < 0) return;
    const last = this.#members.pop() as T;
    if (last !== member) {
      this.#members[place] = last;
      last.rosterPlace = place;
    }
    member.rosterPlace = -1;
  }

  /** Those that are there now: a list of its own. */
  all(): T[] {
    return [...this.#members];
  }
}
