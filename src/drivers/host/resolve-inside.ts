import { lstatSync, readlinkSync } from "node:fs";
import { join, posix } from "node:path";

/** More links than this are a circle (Linux: MAXSYMLINKS). */
const LINKS_MAX = 40;

/**
 * Where `path` leads in the tree below `root`, with every symbolic link read as it is there: absolute ones begin at `root`,
 * and none leads out. Undefined where nothing is.
 */
export function resolveInside(root: string, path: string): string | undefined {
  let at = "/";
  let rest = path.split("/");
  let links = 0;
  while (rest.length > 0) {
    const [name = "", ...others] = rest;
    rest = others;
    const next = posix.join(at, name);
    const status = lstatSync(join(root, next), { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    if (!status.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > LINKS_MAX) return undefined;
    const target = readlinkSync(join(root, next));
    if (target.startsWith("/")) at = "/";
    rest = [...target.split("/"), ...rest];
  }
  return join(root, at);
}
