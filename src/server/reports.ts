import type { Channel, Clock, WakeUp } from "../base/base.ts";
import type { OutputLine } from "../drivers/driver.ts";
import type { CallEnded, FunctionKey, FunctionStatus, LogLine, ToMain, ToWorker, UsageRecord } from "../model/model.ts";

/** How long reports are gathered: well below the 200 ms within which `logs -f` shows a line. */
const BATCH_MS = 40;

/** Reports gathered at the most; with no worker to take them, the oldest lines are dropped. */
const GATHERED_MAX = 100_000;

type Events = Extract<ToWorker, { type: "events" }>;
type Batch = { -readonly [Name in "calls" | "lines" | "usage" | "functions" | "gone"]: Events[Name][number][] };

/**
 * Gathers what the main loop has to report (ended calls, lines of functions, usage, states of functions) and posts it
 * to the worker in batches. Usage is kept while there is no worker; lines are, up to a limit.
 */
export class Reports {
  readonly #clock: Clock;
  readonly #statusOf: (key: FunctionKey) => FunctionStatus | undefined;
  readonly #changed = new Set<FunctionKey>();
  #channel: Channel<ToWorker, ToMain> | undefined;
  #batch = emptyBatch();
  #wakeUp: WakeUp | undefined;
  /** Lines and calls lost for want of a worker. */
  dropped = 0;

  constructor(clock: Clock, statusOf: (key: FunctionKey) => FunctionStatus | undefined) {
    this.#clock = clock;
    this.#statusOf = statusOf;
  }

  /** Where reports go from now on; undefined while the worker is down. */
  setChannel(channel: Channel<ToWorker, ToMain> | undefined): void {
    this.#channel = channel;
  }

  callEnded(ended: CallEnded): void {
    this.#add(this.#batch.calls, ended);
  }

  lines(lines: readonly (LogLine | OutputLine)[]): void {
    for (const line of lines) this.#add(this.#batch.lines, line);
  }

  usage(record: UsageRecord): void {
    this.#batch.usage.push(record);
    this.#schedule();
  }

  functionChanged(key: FunctionKey): void {
    this.#changed.add(key);
    this.#schedule();
  }

  /** Posts what was gathered now. */
  flush(): void {
    this.#wakeUp?.cancel();
    this.#wakeUp = undefined;
    const channel = this.#channel;
    if (channel === undefined) return;
    for (const key of this.#changed) {
      const status = this.#statusOf(key);
      if (status === undefined) this.#batch.gone.push(key);
      else this.#batch.functions.push(status);
    }
    this.#changed.clear();
    const batch = this.#batch;
    this.#batch = emptyBatch();
    channel.post({ type: "events", ...batch });
  }

  #add<T>(list: T[], item: T): void {
    if (list.length >= GATHERED_MAX) {
      this.dropped += 1;
      return;
    }
    list.push(item);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#channel === undefined) return;
    this.#wakeUp ??= this.#clock.wakeAfter(BATCH_MS, () => this.flush());
  }
}

function emptyBatch(): Batch {
  return { calls: [], lines: [], usage: [], functions: [], gone: [] };
}
