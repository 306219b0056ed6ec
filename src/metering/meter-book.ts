import type { Clock, WakeUp } from "../base/base.ts";
import type { InstanceId, UsageRecord } from "../model/model.ts";
import { BusyMeter, type MeteredInstance } from "./busy-meter.ts";

/** How often open stretches are recorded: half of what kill -9 may lose. */
const CHECKPOINT_MS = 500;

/** The meters of all instances. Records go to one sink, at the latest every half second. */
export class MeterBook {
  readonly #record: (record: UsageRecord) => void;
  readonly #clock: Clock;
  readonly #meters = new Map<InstanceId, BusyMeter>();
  #wakeUp: WakeUp | undefined;

  constructor(record: (record: UsageRecord) => void, clock: Clock) {
    this.#record = record;
    this.#clock = clock;
  }

  /** The meter of a new instance. */
  open(instance: MeteredInstance): BusyMeter {
    const meter = new BusyMeter(instance, this.#record, this.#clock);
    this.#meters.set(instance.instanceId, meter);
    this.#schedule();
    return meter;
  }

  /** The instance is gone; calls that are open on it still are recorded when they end. */
  close(instanceId: InstanceId): void {
    this.#meters.get(instanceId)?.close();
    this.#meters.delete(instanceId);
  }

  /** Records everything used so far. */
  checkpoint(): void {
    for (const meter of this.#meters.values()) meter.checkpoint();
  }

  #schedule(): void {
    this.#wakeUp ??= this.#clock.wakeAfter(CHECKPOINT_MS, () => {
      this.#wakeUp = undefined;
      this.checkpoint();
      if (this.#meters.size > 0) this.#schedule();
    });
  }
}
