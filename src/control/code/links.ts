/** Whether symbolic links stay inside the package, found before any is made. */
import { refuse } from "./package-error.ts";

/** As Linux: after so many links on the way a path is a loop. */
const LINKS_FOLLOWED_MAX = 40;

/**
 * Throws a PackageError unless every link of the package, followed through all other links, stays below the package's
 * root. Looking at the text alone would not do: `deep/l -> ..` makes `deep/l/..` the folder above the root.
 * @param links path of each link -> its target
 */
export function checkLinks(links: ReadonlyMap<string, string>): void {
  for (const [path, target] of links) {
    const shown = `The symbolic link ${JSON.stringify(path)} -> ${JSON.stringify(target)} in the zip`;
    if (target === "" || /\p{Cc}/u.test(target)) refuse(`${shown} has no usable target`);
    if (target.startsWith("/")) refuse(`${shown} is absolute: only relative links are accepted`);
    const fault = follow(path, links);
    if (fault !== undefined) refuse(`${shown} ${fault}`);
  }
}

function follow(path: string, links: ReadonlyMap<string, string>): string | undefined {
  let ahead = path.split("/");
  let reached: string[] = [];
  let followed = 0;
  for (let segment = ahead.shift(); segment !== undefined; segment = ahead.shift()) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") {
      if (reached.length === 0) return "leads out of the package";
      reached = reached.slice(0, -1);
      continue;
    }
    const target = links.get([...reached, segment].join("/"));
    if (target === undefined) {
      reached.push(segment);
      continue;
    }
    followed += 1;
    if (followed > LINKS_FOLLOWED_MAX) return "never ends";
    if (target.startsWith("/")) return "leads out of the package";
    ahead = [...target.split("/"), ...ahead];
  }
  return undefined;
}
