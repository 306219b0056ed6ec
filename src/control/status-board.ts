import type { FunctionKey, FunctionStatus, InstanceStatus, RevisionId } from "../model/model.ts";

/** How each function stands in the data plane, as the main loop last said. */
export class StatusBoard {
  readonly #statuses = new Map<FunctionKey, FunctionStatus>();

  update(changed: readonly FunctionStatus[], gone: readonly FunctionKey[]): void {
    for (const status of changed) this.#statuses.set(status.function, status);
    for (const key of gone) this.#statuses.delete(key);
  }

  /** Every revision that serves, is about to, or has an instance. */
  revisionsInUse(): Set<RevisionId> {
    const ids = new Set<RevisionId>();
    for (const { serving, next, instances } of this.#statuses.values()) {
      if (serving !== undefined) ids.add(serving);
      if (next !== undefined) ids.add(next.revisionId);
      for (const { revisionId } of instances) ids.add(revisionId);
    }
    return ids;
  }

  /** Every instance. */
  *instances(): Iterable<InstanceStatus> {
    for (const { instances } of this.#statuses.values()) yield* instances;
  }

  of(key: FunctionKey): FunctionStatus | undefined {
    return this.#statuses.get(key);
  }
}
