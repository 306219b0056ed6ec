import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { signal } from "../host/process-tree.ts";
import { listOrNone } from "../host/read-or-none.ts";
import { removeCgroup } from "./folder.ts";
import { thawGroup } from "./freezer.ts";

/** A name that tells whose tree it is: `sluice-<pid of Sluice>-<random>`. */
export function treeName(sluicePid: number): string {
  return `sluice-${sluicePid}-${randomBytes(4).toString("hex")}`;
}

/** Trees of Sluices that no longer run, in the given hierarchies. */
export function deadTrees(roots: readonly string[]): string[] {
  return roots.flatMap((root) =>
    listOrNone(root)
      .filter((entry) => {
        const pid = /^sluice-(\d+)-[0-9a-f]{8}$/.exec(entry)?.[1];
        return pid !== undefined && !signal(Number(pid), 0);
      })
      .map((entry) => join(root, entry)),
  );
}

/**
 * Removes a dead Sluice's tree, and thaws it first: what was killed while it was frozen by version 1 ends only then.
 * Only empty groups can be removed: where the pid in the name means another process, nothing is lost.
 */
export function removeTree(tree: string): void {
  thawBelow(tree);
  removeCgroup(tree);
}

function thawBelow(folder: string): void {
  for (const entry of listOrNone(folder)) {
    const group = join(folder, entry);
    if (existsSync(join(group, "freezer.state"))) thawGroup({ version: 1, folder: group });
    thawBelow(group);
  }
}

/** Removes what Sluices that no longer run have left in the given hierarchies. */
export function sweepTrees(roots: readonly string[]): void {
  for (const tree of deadTrees(roots)) removeTree(tree);
}
