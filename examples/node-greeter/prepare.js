// Makes code/ complete before a deploy: what is deployed must hold everything that the server loads. Copies the
// packages that the server uses to code/node_modules, and parses the proto file to code/helloworld.json. The packages
// come from where Node.js finds them from here: node_modules of this folder (after `npm ci`), else of a folder above.
// Does nothing when nothing has changed. Plain JavaScript for Node 20 and later.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "code", "node_modules");
const protoFile = join(here, "proto", "helloworld.proto");
const descriptorFile = join(here, "code", "helloworld.json");

/** Dependencies that never run in the server: type declarations, and what proto-loader's command line tool uses. */
const NOT_LOADED = new Set(["@types/node", "yargs"]);

/** Files that Node.js does not load: declarations, source maps, texts, and builds for browsers. */
const NOT_LOADED_FILES = /\.(ts|map|md)$|\/protobufjs\/(dist|scripts)$|\/ordered-map\/dist\/(esm|umd)$/;

const packages = findPackages(here, undefined, new Map());
const stamp = stampOf(packages);
if (readStamp() !== stamp) {
  copyPackages(packages);
  await writeDescriptor();
  writeFileSync(join(target, ".stamp"), stamp);
  console.log(`prepared code/ with ${packages.size} packages`);
}

/**
 * Adds to `found` all packages that the one in `folder` needs, directly or not: where each is installed, by the place
 * below code/node_modules that it gets. That is the top, unless another version has it; then it is below who needs it.
 */
function findPackages(folder, place, found) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    if (NOT_LOADED.has(name)) continue;
    const source = findPackage(folder, name);
    const isNested = place !== undefined && source === join(folder, "node_modules", name);
    const isTopTaken = (found.get(name) ?? source) !== source;
    const itsPlace = isNested || isTopTaken ? join(place, "node_modules", name) : name;
    if (found.has(itsPlace)) continue;
    found.set(itsPlace, source);
    findPackages(source, itsPlace, found);
  }
  return found;
}

function findPackage(folder, name) {
  for (const modules of createRequire(join(folder, "package.json")).resolve.paths(name)) {
    if (existsSync(join(modules, name, "package.json"))) return join(modules, name);
  }
  console.error(`prepare: the package ${name} is not installed: run 'npm ci' in ${here} first`);
  process.exit(1);
}

/** Says from what code/ is made: versions of the packages, the proto file, and this script. */
function stampOf(packages) {
  const hash = createHash("sha256");
  for (const [place, source] of packages) hash.update(place).update(readFileSync(join(source, "package.json")));
  return hash
    .update(readFileSync(protoFile))
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest("hex");
}

function readStamp() {
  const file = join(target, ".stamp");
  return existsSync(file) && existsSync(descriptorFile) ? readFileSync(file, "utf8") : undefined;
}

/** Fills a folder beside the old one and swaps them, so that a failure in between leaves the old one whole. */
function copyPackages(packages) {
  const fresh = `${target}.new`;
  rmSync(fresh, { recursive: true, force: true });
  for (const [place, source] of packages) {
    mkdirSync(dirname(join(fresh, place)), { recursive: true });
    const nested = join(source, "node_modules");
    const filter = (path) => path !== nested && !NOT_LOADED_FILES.test(path);
    cpSync(source, join(fresh, place), { recursive: true, filter });
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
}

async function writeDescriptor() {
  const { default: protobuf } = await import("protobufjs");
  const root = new protobuf.Root().loadSync(protoFile, { keepCase: true });
  writeFileSync(descriptorFile, JSON.stringify(root.toJSON()));
}
