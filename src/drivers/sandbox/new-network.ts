import type { Clock } from "../../base/base.ts";
import { type HeldNamespace, holdNamespace } from "../network/held-namespace.ts";

/** How a parked shell gets a network namespace of its own. */
export interface NewNetwork {
  /** Options of unshare(1) for it. */
  readonly namespaces: readonly string[];
  /** The command within which unshare runs. */
  readonly within: readonly string[];
  /** To be called once the shell runs, or has ended. */
  close(): void;
}

/**
 * A namespace inside of `parent`, where there is one. With an `owner` it belongs to that user namespace: then a process
 * makes it there, since one that has gone into a user namespace does not come back, and the shell only enters it.
 * Rejects when it cannot be made.
 */
export async function newNetwork(
  parent: HeldNamespace | undefined,
  owner: HeldNamespace | undefined,
  clock: Clock,
): Promise<NewNetwork> {
  const inParent = parent === undefined ? [] : [`--net=${parent.path}`];
  if (owner === undefined) {
    return { namespaces: ["--net"], within: parent === undefined ? [] : ["nsenter", ...inParent], close() {} };
  }
  const maker = ["nsenter", `--user=${owner.path}`, ...inParent, "unshare", "--net"];
  const { path, close } = await holdNamespace({ kind: "net", maker }, clock);
  return { namespaces: [], within: ["nsenter", `--net=${path}`], close };
}
