import type { QueueLinks } from "../base/base.ts";
import type { Fault, InstanceId, Revision } from "../model/model.ts";
import type { Link } from "./link.ts";

/** An instance as a call sees it that has a slot on it. */
export interface ScheduledInstance<L extends Link> {
  readonly id: InstanceId;
  readonly revision: Revision;
  readonly link: L;
  /** Frees the call's slot; exactly once for each `granted`. */
  release(): void;
  /** Has it take no new calls and be replaced when its last one has ended. */
  replace(): void;
}

/** What waits for a slot: the call itself, so that admission allocates nothing. */
export interface Waiter<L extends Link> extends QueueLinks<Waiter<L>> {
  /** When it was queued, in the clock's monotonic milliseconds; the scheduler sets it. */
  waitingSince: number;
  /** It holds a slot on this instance from now on. Called from inside `admit` when one is free. */
  granted(instance: ScheduledInstance<L>): void;
  /** It gets none. */
  refused(fault: Fault): void;
}
