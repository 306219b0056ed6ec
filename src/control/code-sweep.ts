import type { Clock, Logger, WakeUp } from "../base/base.ts";
import type { CodePackages } from "./code/code-packages.ts";
import type { Publisher } from "./data-plane/publisher.ts";
import type { Reads, Repository } from "./resources/resources.ts";
import type { StatusBoard } from "./status-board.ts";

/** Time between two looks. A package goes when two in a row find it unused, so a late report cannot cost it. */
const SWEEP_INTERVAL_MS = 3_600_000;

export interface CodeSweepOptions {
  readonly packages: CodePackages;
  readonly repository: Repository;
  readonly publisher: Publisher;
  readonly board: StatusBoard;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Removes code packages that no function and no version names and no instance runs: at the start, and every hour. */
export class CodeSweep {
  readonly #options: CodeSweepOptions;
  #unused: ReadonlySet<string> = new Set();
  #wakeUp: WakeUp | undefined;
  #stopped = false;

  constructor(options: CodeSweepOptions) {
    this.#options = options;
  }

  /** Removes what is unused at once. Only while nothing runs and no upload is taken. `reads`: where functions are read. */
  async now(reads: Reads = this.#options.repository): Promise<void> {
    await this.#options.packages.sweep(await this.#used(reads));
  }

  /** Looks an hour from now, and an hour after each look. */
  start(): void {
    this.#wakeUp = this.#options.clock.wakeAfter(SWEEP_INTERVAL_MS, () => void this.#look());
  }

  stop(): void {
    this.#stopped = true;
    this.#wakeUp?.cancel();
  }

  async #look(): Promise<void> {
    try {
      await this.#sweep();
    } catch (error) {
      this.#options.logger.warn("Unused code packages cannot be removed", { error });
    }
    if (!this.#stopped) this.start();
  }

  async #sweep(): Promise<void> {
    const { packages } = this.#options;
    const used = await this.#used(this.#options.repository);
    const unused = (await packages.names()).filter((sha256) => !used.has(sha256));
    const unusedOnce = unused.filter((sha256) => !this.#unused.has(sha256));
    this.#unused = new Set(unused);
    await packages.sweep(new Set([...used, ...unusedOnce]));
  }

  async #used(reads: Reads): Promise<Set<string>> {
    const { publisher, board } = this.#options;
    // In this order: what is published between the two is a function's still, or a version's by then.
    const functions = [...(await reads.list("function")), ...(await reads.list("versionFunction"))];
    const used = new Set(functions.flatMap(({ value }) => value.code?.sha256 ?? []));
    for (const revisionId of board.revisionsInUse()) {
      const sha256 = publisher.codeOf(revisionId);
      if (sha256 !== undefined) used.add(sha256);
    }
    return used;
  }
}
