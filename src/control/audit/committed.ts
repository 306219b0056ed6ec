/** Tells the request that a commit belongs to which documents it changed, through all that lies between them. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Change } from "../../store/store.ts";

const scope = new AsyncLocalStorage<string[]>();

/** Runs `work`; every document that it commits is added to `changed`, as `kind key`. */
export function collectingCommits<T>(changed: string[], work: () => Promise<T>): Promise<T> {
  return scope.run(changed, work);
}

/** To be called after each commit, by who made it. */
export function noteCommit(changes: readonly Change[]): void {
  scope.getStore()?.push(...changes.map(({ kind, key }) => `${kind} ${key}`));
}
