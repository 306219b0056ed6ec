import type { FunctionResource } from "../../model/model.ts";
import type { Store } from "../../store/store.ts";

/** sha256 of every package that a function, as it stands or of a version, runs. */
export async function packagesOf(store: Store, accountId: string): Promise<string[]> {
  const kinds = ["function", "versionFunction"] as const;
  const lists = await Promise.all(kinds.map((kind) => store.list(accountId, kind)));
  return [...new Set(lists.flat().flatMap(({ value }) => (value as FunctionResource).code?.sha256 ?? []))].sort();
}
