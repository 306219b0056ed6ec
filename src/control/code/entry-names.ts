/** Rules for the names in a zip: each must be a plain relative path, the same to everyone who reads it. */
import type { PackageLimits } from "./limits.ts";
import { refuse } from "./package-error.ts";

/** The path of an entry without the final `/` of a folder. Throws a PackageError that quotes the name. */
export function checkedPath(name: string, limits: PackageLimits): string {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}...` : name);
  if (Buffer.byteLength(name) > limits.pathMaxBytes) {
    refuse(`The name ${shown} in the zip is longer than ${limits.pathMaxBytes} bytes`);
  }
  // Control characters: names are shown in logs and terminals.
  if (/\p{Cc}|\uFFFD/u.test(name)) refuse(`The name ${shown} in the zip has a character that is not allowed`);
  if (name.includes("\\")) refuse(`The name ${shown} in the zip has a backslash: use / between folders`);
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) refuse(`The name ${shown} in the zip is an absolute path`);
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  const segments = path.split("/");
  if (segments.length > limits.depthMax) {
    refuse(`The name ${shown} in the zip is more than ${limits.depthMax} folders deep`);
  }
  for (const segment of segments) {
    if (segment === "" || segment === "." || segment === "..") {
      refuse(`The name ${shown} in the zip has the part ${JSON.stringify(segment)}`);
    }
    if (Buffer.byteLength(segment) > limits.segmentMaxBytes) {
      refuse(`The name ${shown} in the zip has a part longer than ${limits.segmentMaxBytes} bytes`);
    }
  }
  return path;
}

/** The folders above `path`, nearest last: of `a/b/c` these are `a` and `a/b`. */
export function parentsOf(path: string): string[] {
  const segments = path.split("/").slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}
