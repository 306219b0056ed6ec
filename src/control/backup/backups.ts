/** Backups of a running control plane, and restores into it. */
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { Clock } from "../../base/base.ts";
import type { RestoreAnswer, UsageRecord } from "../../model/model.ts";
import type { Store } from "../../store/store.ts";
import type { CodePackages } from "../code/code-packages.ts";
import { finishRestore } from "./finish-restore.ts";
import type { BackupParts } from "./parts.ts";
import { type StagedRestore, stageRestore } from "./stage-restore.ts";
import { createBackup } from "./write-backup.ts";

export interface BackupsOptions {
  readonly parts: BackupParts;
  readonly store: Store;
  readonly packages: CodePackages;
  readonly accountId: string;
  readonly clock: Clock;
  /** A restore will take the place of what is served: no write is to be acknowledged from now on. */
  committed(): void;
}

export class Backups {
  readonly #options: BackupsOptions;
  #restored: StagedRestore | undefined;

  constructor(options: BackupsOptions) {
    this.#options = options;
  }

  /** An archive of what is stored now. Rejects with an ApiError. */
  create(): Promise<Readable> {
    const { parts, clock, ...rest } = this.#options;
    return createBackup({ ...parts, ...rest, createdAt: clock.epochMs() });
  }

  /**
   * Takes an archive in; when it resolves, the restore is certain, and done by `finish`. Rejects with an ApiError when
   * the archive has been read to its end, so that whoever sends it hears why.
   */
  async restore(archive: Readable, sha256: string): Promise<RestoreAnswer> {
    try {
      const staged = await stageRestore(this.#options.parts, archive, sha256);
      try {
        this.#options.committed();
        await staged.commit();
      } catch (error) {
        await staged.discard();
        throw error;
      }
      this.#restored = staged;
      return staged.answer;
    } catch (error) {
      if (!archive.readableEnded && !archive.destroyed) {
        archive.resume();
        await once(archive, "close");
      }
      throw error;
    }
  }

  /**
   * Puts a restore in place that was committed; the store must be closed by then. `usage`: what was not stored yet.
   * False where there is none.
   */
  async finish(usage: readonly UsageRecord[]): Promise<boolean> {
    if (this.#restored === undefined) return false;
    const { store, answer } = this.#restored;
    await store.appendUsage(answer.accountId, usage);
    await store.close();
    return finishRestore(this.#options.parts);
  }

  get isCommitted(): boolean {
    return this.#restored !== undefined;
  }
}
