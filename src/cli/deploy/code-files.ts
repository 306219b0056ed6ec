/** The files of a code folder, as they go into the package. */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import ignore from "ignore";
import { CliError } from "../cli-error.ts";

/** One entry of a package; `name` is relative to the folder, with `/`. */
export type CodeFile =
  | { readonly kind: "file"; readonly name: string; readonly path: string; readonly executable: boolean }
  | { readonly kind: "link"; readonly name: string; readonly target: string };

/** Lists what belongs into the package, sorted by name: all but `.git` and what `.fcignore` names. */
export function listCodeFiles(folder: string): CodeFile[] {
  const rules = ignore().add([".git", ".fcignore"]);
  const ignoreFile = join(folder, ".fcignore");
  if (existsSync(ignoreFile)) rules.add(readFileSync(ignoreFile, "utf8"));

  const files: CodeFile[] = [];
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      // The ignore library tells folders by a final slash.
      if (rules.ignores(entry.isDirectory() ? `${name}/` : name)) continue;
      const path = join(folder, name);
      if (entry.isDirectory()) walk(name);
      else if (entry.isSymbolicLink()) files.push(linkAt(name, path));
      else if (entry.isFile()) {
        files.push({ kind: "file", name, path, executable: (lstatSync(path).mode & 0o111) !== 0 });
      } else {
        throw new CliError(`${path} is neither file, folder nor link: remove it, or name it in ${ignoreFile}`);
      }
    }
  };
  walk("");
  return files.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Links are kept as links; one that leads out of the folder would lead to nothing where the function runs. */
function linkAt(name: string, path: string): CodeFile {
  const target = readlinkSync(path);
  const leadsTo = normalize(join(dirname(name), target));
  if (isAbsolute(target) || leadsTo === ".." || leadsTo.startsWith("../")) {
    throw new CliError(`${path} is a link that leads out of the code folder, to ${target}: put the file itself there`);
  }
  return { kind: "link", name, target };
}
