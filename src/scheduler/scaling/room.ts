import type { Revision } from "../../model/model.ts";

/** An instance as far as it takes room. */
export interface RoomHolder {
  readonly revision: Revision;
  /** Since when it has had no call, in the clock's monotonic milliseconds; undefined: it cannot be spared. */
  readonly idleSince: number | undefined;
  /** Has it stopped; it leaves at once, and is gone later. */
  stop(): void;
}

/**
 * What all instances share: their number and the host's memory. An instance takes its part from its start until
 * nothing of it runs any more.
 */
export class Room<T extends RoomHolder> {
  readonly #instancesMax: number;
  readonly #memoryMaxMb: number;
  readonly #holders = new Set<T>();
  readonly #leaving = new Set<T>();
  #memoryMb = 0;
  #leavingMemoryMb = 0;

  constructor(instancesMax: number, memoryMaxMb: number) {
    this.#instancesMax = instancesMax;
    this.#memoryMaxMb = memoryMaxMb;
  }

  get holders(): ReadonlySet<T> {
    return this.#holders;
  }

  /** Instances that may still be started; negative where a redeploy went beyond the limit. */
  get instancesLeft(): number {
    return this.#instancesMax - this.#holders.size;
  }

  get memoryLeftMb(): number {
    return this.#memoryMaxMb - this.#memoryMb;
  }

  /** Whether an instance of `memoryMb` fits the memory, now or when those are gone that are leaving. */
  hasMemorySoon(memoryMb: number): boolean {
    return this.memoryLeftMb + this.#leavingMemoryMb >= memoryMb;
  }

  take(holder: T): void {
    this.#holders.add(holder);
    this.#memoryMb += holder.revision.memoryMb;
  }

  /** It is being stopped, and will be gone; does nothing when it is. */
  leave(holder: T): void {
    if (!this.#holders.has(holder) || this.#leaving.has(holder)) return;
    this.#leaving.add(holder);
    this.#leavingMemoryMb += holder.revision.memoryMb;
  }

  /** Nothing of it runs any more. */
  free(holder: T): void {
    if (!this.#holders.delete(holder)) return;
    this.#memoryMb -= holder.revision.memoryMb;
    if (this.#leaving.delete(holder)) this.#leavingMemoryMb -= holder.revision.memoryMb;
  }

  /**
   * Stops instances without calls, of any function, those first that have had none for longest, until one of
   * `memoryMb` has room when they are gone. Stops none where that would not be enough.
   */
  reclaim(memoryMb: number): void {
    let instances = this.instancesLeft + this.#leaving.size;
    let leftMb = this.memoryLeftMb + this.#leavingMemoryMb;
    const stopped: T[] = [];
    for (const holder of this.#idle()) {
      if (instances >= 1 && leftMb >= memoryMb) break;
      stopped.push(holder);
      instances += 1;
      leftMb += holder.revision.memoryMb;
    }
    if (instances < 1 || leftMb < memoryMb) return;
    for (const holder of stopped) holder.stop();
  }

  /** Those that can be spared, longest idle first. */
  #idle(): T[] {
    const idle = [...this.#holders].filter((holder) => holder.idleSince !== undefined);
    return idle.sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0));
  }
}
