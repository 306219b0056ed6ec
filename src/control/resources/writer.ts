import type { Change, CommitResult, Expectation, Store } from "../../store/store.ts";
import { noteCommit } from "../audit/committed.ts";

/** What a write wants to commit, and how it answers then. */
export interface WritePlan<T> {
  readonly changes: readonly Change[];
  readonly expected: readonly Expectation[];
  /** `etags`: of the documents put, in their order. */
  answer(etags: readonly string[]): T;
}

/** Who is told of every commit, in the order of commits. */
export interface CommitListener {
  /** Throws when writes cannot be taken now. */
  beforeCommit(): void;
  /** Returns a promise of the change being in force, which the writer waits for outside its turn. */
  afterCommit(changes: readonly Change[], result: CommitResult): Promise<{ readonly inForce: Promise<void> }>;
}

/** All writes of resources, one after the other: each sees what the one before wrote. */
export class Writer {
  readonly #store: Store;
  readonly #listener: CommitListener;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, listener: CommitListener) {
    this.#store = store;
    this.#listener = listener;
  }

  /**
   * Runs `plan` when all earlier writes are done, commits what it returns, and resolves when the data plane has it. A
   * plan that throws changes nothing. Rejects with an ApiError or StoreError.
   */
  async write<T>(plan: () => Promise<WritePlan<T>>): Promise<T> {
    const turn = this.#last.then(() => this.#commit(plan));
    this.#last = turn.catch(() => undefined);
    const { answer, inForce } = await turn;
    await inForce;
    return answer;
  }

  /** Runs `work` when all earlier writes are done; later ones wait for it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #commit<T>(plan: () => Promise<WritePlan<T>>): Promise<{ answer: T; inForce: Promise<void> }> {
    this.#listener.beforeCommit();
    const { changes, expected, answer } = await plan();
    const result = await this.#store.commit(changes, expected);
    noteCommit(changes);
    const { inForce } = await this.#listener.afterCommit(changes, result);
    return { answer: answer(result.etags), inForce };
  }
}
