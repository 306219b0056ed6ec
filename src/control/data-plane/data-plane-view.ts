import { isDeepStrictEqual } from "node:util";
import { type DataPlaneEntry, entryKey } from "../../model/model.ts";

/** What changes in the data plane. */
export interface ViewChange {
  readonly put: DataPlaneEntry[];
  /** Keys. */
  readonly delete: string[];
}

/**
 * The data plane as it was last told, kept by the resource that each entry comes from, so that a change of one resource
 * looks at its entries alone.
 */
export class DataPlaneView {
  readonly #bySource = new Map<string, Map<string, DataPlaneEntry>>();

  /** All entries now. */
  entries(): DataPlaneEntry[] {
    return [...this.#bySource.values()].flatMap((entries) => [...entries.values()]);
  }

  /** Replaces the entries of one source, and notes in `change` what is new, different or gone. */
  replace(source: string, entries: readonly DataPlaneEntry[], change: ViewChange): void {
    const before = this.#bySource.get(source) ?? new Map<string, DataPlaneEntry>();
    const after = new Map(entries.map((entry) => [entryKey(entry), entry]));
    for (const [key, entry] of after) {
      if (!isDeepStrictEqual(before.get(key), entry)) change.put.push(entry);
    }
    for (const key of before.keys()) {
      if (!after.has(key)) change.delete.push(key);
    }
    if (after.size === 0) this.#bySource.delete(source);
    else this.#bySource.set(source, after);
  }
}
