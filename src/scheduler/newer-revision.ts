import type { Fault } from "../model/model.ts";
import type { Instance } from "./life/instance.ts";
import type { Link } from "./link.ts";
import type { Pool } from "./pool.ts";
import type { Room } from "./scaling/room.ts";
import type { StartAttempt } from "./scaling/start-turns.ts";

/** Instances that a redeploy may have beyond the limits of function and account: the first of the new revision. */
const SURGE = 1;

/** A revision that takes over as soon as one instance of it is ready, or that failed to start and never will. */
export class NewerRevision<L extends Link> {
  readonly pool: Pool<L>;
  /** Why its start failed; it is not tried again. */
  failure: Fault | undefined;

  constructor(pool: Pool<L>) {
    this.pool = pool;
  }

  /** It is starting, or waits to be started. */
  get isComing(): boolean {
    return this.failure === undefined;
  }

  get isStarting(): boolean {
    return this.isComing && this.pool.isAlive;
  }

  /** Begins its one start if there is room; makes room where idle instances take it. */
  tryStart(room: Room<Instance<L>>): StartAttempt {
    if (!this.isComing || this.pool.isAlive) return "enough";
    const { memoryMb } = this.pool.revision;
    if (room.instancesLeft + SURGE < 1 || room.memoryLeftMb < memoryMb) {
      room.reclaim(memoryMb);
      return "noRoom";
    }
    this.pool.start();
    return "started";
  }
}
