import type { Clock, Logger, WakeUp } from "../base/base.ts";
import type { UsageRecord } from "../model/model.ts";
import type { Store } from "../store/store.ts";

/** How long records are gathered into one commit. */
const GATHER_MS = 250;
/** Wait after a commit that failed. */
const RETRY_MS = 1000;
/** Records in one commit, so that it does not hold up the API. */
const COMMIT_MAX = 5000;
/** Records that wait while the store has no room; beyond it the newest are lost, which the log tells. */
const PENDING_MAX = 1_000_000;

export interface UsageJournalOptions {
  readonly store: Store;
  readonly accountId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So many more records are stored, in the order in which they were added. */
  stored(count: number): void;
}

/** Brings usage into the store, at the latest half a second after it arrived. Records keep until they are stored. */
export class UsageJournal {
  readonly #store: Store;
  readonly #accountId: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stored: (count: number) => void;
  #pending: UsageRecord[] = [];
  #wakeUp: WakeUp | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lostCount = 0;

  constructor(options: UsageJournalOptions) {
    const { store, accountId, clock, logger, stored } = options;
    this.#stored = stored;
    this.#store = store;
    this.#accountId = accountId;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Records that wait. */
  get pending(): readonly UsageRecord[] {
    return this.#pending;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  add(records: readonly UsageRecord[]): void {
    const room = Math.max(0, PENDING_MAX - this.#pending.length);
    for (const record of records.slice(0, room)) this.#pending.push(record);
    if (records.length > room) {
      this.#lostCount += records.length - room;
      this.#logger.error("Usage is lost: the store takes none", { lostSinceStart: this.#lostCount });
    }
    if (this.#pending.length > 0) this.#schedule(GATHER_MS);
  }

  /** Stores what is pending now. Rejects where the store does not take it; the records stay and are tried again. */
  flush(): Promise<void> {
    this.#wakeUp?.cancel();
    this.#wakeUp = undefined;
    const flushed = this.#writing.then(() => this.#write());
    this.#writing = flushed.catch(() => this.#schedule(RETRY_MS));
    return flushed;
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, COMMIT_MAX);
      await this.#store.appendUsage(this.#accountId, batch);
      this.#pending = this.#pending.slice(batch.length);
      this.#stored(batch.length);
    }
  }

  #schedule(delayMs: number): void {
    this.#wakeUp ??= this.#clock.wakeAfter(delayMs, () => {
      this.flush().catch((error: unknown) => {
        this.#logger.warn("Usage cannot be stored now; it is kept and tried again", { error });
      });
    });
  }
}
