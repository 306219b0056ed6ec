import { statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * The first folder on the way to `path`, `path` included, that only its owner or group may enter: a function's uid
 * stops there. Undefined when every user gets through. The path is absolute.
 */
export function closedFolder(path: string): string | undefined {
  const parent = dirname(path);
  const above = parent === path ? undefined : closedFolder(parent);
  if (above !== undefined) return above;
  try {
    const status = statSync(path);
    return status.isDirectory() && (status.mode & 0o001) === 0 ? path : undefined;
  } catch {
    return path;
  }
}
