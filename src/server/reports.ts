import type { Channel, Clock, WakeUp } from "../base/base.ts";
import type { OutputLine } from "../drivers/driver.ts";
import {
  type CallEnded,
  CallLines,
  type Fault,
  type FunctionKey,
  type FunctionStatus,
  type LogRecord,
  type MainCounts,
  platformEndedRecord,
  type ToMain,
  type ToWorker,
  type UsageRecord,
} from "../model/model.ts";

/** How long reports are gathered: well below the 200 ms within which `logs -f` shows a line. */
const BATCH_MS = 40;

/** Lines gathered at the most; with no worker to take them, new ones are dropped. */
const GATHERED_MAX = 100_000;

/** Records that are sent and kept until they are stored; beyond it the worker alone has the oldest. */
const UNSTORED_MAX = 100_000;

type Events = Extract<ToWorker, { type: "events" }>;
type Batch = { -readonly [Name in "lines" | "usage" | "functions" | "gone"]: Events[Name][number][] };

/**
 * Gathers what the main loop has to report (ended calls, lines of functions, usage, states of functions) and posts it
 * to the worker in batches. Usage is kept until it is stored, and told to the next worker where one dies before; lines are
 * kept while there is no worker, up to a limit.
 */
export class Reports {
  readonly #clock: Clock;
  readonly #statusOf: (key: FunctionKey) => FunctionStatus | undefined;
  readonly #changed = new Set<FunctionKey>();
  #channel: Channel<ToWorker, ToMain> | undefined;
  #batch = emptyBatch();
  /** Sent to this worker, and not stored as far as is known; before them come those that are forgotten here. */
  #unstored: UsageRecord[] = [];
  #forgottenCount = 0;
  /** Calls that functions ended, by function. */
  readonly #calls = new Map<FunctionKey, CallLines>();
  #gathered = 0;
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
    this.#batch.usage = [...this.#unstored, ...this.#batch.usage];
    this.#unstored = [];
    this.#forgottenCount = 0;
    if (this.#batch.usage.length > 0) this.#schedule();
  }

  /** What came by `channel`: so many more records are stored. */
  usageStored(channel: Channel<ToWorker, ToMain>, count: number): void {
    if (channel !== this.#channel) return;
    const forgotten = Math.min(count, this.#forgottenCount);
    this.#forgottenCount -= forgotten;
    this.#unstored.splice(0, count - forgotten);
  }

  callEnded(ended: CallEnded): void {
    if (isPlatformEnded(ended)) {
      this.#line(platformEndedRecord(ended));
      return;
    }
    if (!this.#mayGather()) return;
    let calls = this.#calls.get(ended.function);
    if (calls === undefined) {
      calls = new CallLines(ended.function);
      this.#calls.set(ended.function, calls);
    }
    calls.append(ended);
  }

  lines(lines: readonly (LogRecord | OutputLine)[]): void {
    for (const line of lines) this.#line(line);
  }

  usage(record: UsageRecord): void {
    this.#batch.usage.push(record);
    this.#schedule();
  }

  /** Posts how things stand. */
  counts(counts: MainCounts): void {
    this.#channel?.post({ type: "counts", counts });
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
    const calls = [];
    for (const [key, lines] of this.#calls) {
      // Of a function without calls since the last time nothing is kept: it may be gone.
      if (lines.count > 0) calls.push(lines.take());
      else this.#calls.delete(key);
    }
    this.#batch = emptyBatch();
    this.#gathered = 0;
    this.#keepUntilStored(batch.usage);
    channel.post({ type: "events", calls, ...batch });
  }

  #keepUntilStored(records: readonly UsageRecord[]): void {
    for (const record of records) this.#unstored.push(record);
    const overCount = Math.max(0, this.#unstored.length - UNSTORED_MAX);
    this.#unstored.splice(0, overCount);
    this.#forgottenCount += overCount;
  }

  #line(line: LogRecord): void {
    if (this.#mayGather()) this.#batch.lines.push(line);
  }

  /** Counts a line, and has it posted soon. False: there are too many. */
  #mayGather(): boolean {
    if (this.#gathered >= GATHERED_MAX) {
      this.dropped += 1;
      return false;
    }
    this.#gathered += 1;
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#channel === undefined) return;
    this.#wakeUp ??= this.#clock.wakeAfter(BATCH_MS, () => this.flush());
  }
}

function isPlatformEnded(ended: CallEnded): ended is CallEnded & { readonly cause: Fault } {
  return ended.cause !== undefined;
}

function emptyBatch(): Batch {
  return { lines: [], usage: [], functions: [], gone: [] };
}
