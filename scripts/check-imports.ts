/**
 * Checks who imports whom: the table of docs/ARCHITECTURE.md as data. Fails on an edge that is not in it, on a way into
 * another folder that is not its front door, and on cycles between folders.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** Folder below src -> folders that it may import. `types:x`: only `import type`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ["base"],
  signing: [],
  h2: ["base"],
  grpc: ["base", "model"],
  store: ["base", "model"],
  drivers: ["base", "model"],
  scheduler: ["base", "model", "driver-types"],
  metering: ["base", "model"],
  gateway: ["base", "model", "signing", "h2", "grpc", "driver-types", "types:scheduler", "types:metering"],
  control: ["base", "model", "signing", "types:store"],
  client: ["base", "model", "signing"],
  cli: ["base", "model", "signing", "client", "server-for-start"],
  server: [
    "base",
    "model",
    "signing",
    "h2",
    "grpc",
    "store",
    "drivers",
    "scheduler",
    "metering",
    "gateway",
    "control",
    "client",
    "cli",
  ],
};

/** Files that others may import beside `x/x.ts`. */
const OTHER_DOORS: readonly string[] = ["drivers/driver.ts"];

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/gm;

function edgesOf(file: string): Edge[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(IMPORT)]
    .map((match) => ({ typeOnly: match[1] !== undefined, target: match[2] ?? match[3] ?? "" }))
    .filter(({ target }) => target.startsWith("."))
    .map(({ typeOnly, target }) => ({ from: file, to: posix.join(dirname(file), target), typeOnly }));
}

function folderOf(file: string): string {
  return file.split("/")[1] ?? "";
}

/** Why an edge between two folders is wrong; undefined: it is allowed. */
function problemOf(edge: Edge): string | undefined {
  const from = folderOf(edge.from);
  const to = folderOf(edge.to);
  if (from === to) return undefined;
  const allowed = ALLOWED[from];
  if (allowed === undefined) return `the folder src/${from} is not in the table of scripts/check-imports.ts`;
  const inFolder = relative("src", edge.to);
  const isTest = /\.test\.ts$|\/testing\//.test(edge.from);
  // Tests may use the kits that folders ship for them.
  if (isTest && (/\/testing\//.test(edge.to) || from === "cli" || from === "server")) return undefined;
  if (inFolder === "drivers/driver.ts" && allowed.includes("driver-types")) return undefined;
  if (to === "server" && allowed.includes("server-for-start")) {
    const forStart = ["start", "config", "doctor", "restore"]
      .map((name) => `src/cli/commands/${name}.ts`)
      .includes(edge.from);
    return forStart ? undefined : "only the commands start, config, doctor and restore import the server";
  }
  if (!allowed.includes(to) && !(allowed.includes(`types:${to}`) && (edge.typeOnly || isTest))) {
    return `src/${from} may import ${allowed.join(", ") || "nothing"}`;
  }
  if (inFolder !== `${to}/${to}.ts` && !OTHER_DOORS.includes(inFolder)) {
    return `src/${to} is entered by its front door, ${to}/${to}.ts`;
  }
  return undefined;
}

function cycleAmong(folders: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (folder: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder];
    if (done.has(folder)) return undefined;
    for (const next of folders.get(folder) ?? []) {
      const cycle = visit(next, [...path, folder]);
      if (cycle !== undefined) return cycle;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of folders.keys()) {
    const cycle = visit(folder, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const files = globSync("src/**/*.ts", { cwd: root });
const edges = files.flatMap(edgesOf);
const problems: string[] = [];
const folders = new Map<string, Set<string>>();
for (const edge of edges) {
  if (!existsSync(join(root, edge.to))) problems.push(`${edge.from} imports ${edge.to}, which is not there`);
  const problem = problemOf(edge);
  if (problem !== undefined) problems.push(`${edge.from} imports ${edge.to}: ${problem}`);
  const isTest = /\.test\.ts$|\/testing\//.test(edge.from);
  const [from, to] = [folderOf(edge.from), folderOf(edge.to)];
  const lazyStart = from === "cli" && to === "server";
  if (from !== to && !edge.typeOnly && !isTest && !lazyStart) {
    folders.set(from, (folders.get(from) ?? new Set()).add(to));
  }
}
const cycle = cycleAmong(folders);
if (cycle !== undefined) problems.push(`cycle: ${cycle.join(" -> ")}`);

for (const problem of problems) console.error(problem);
console.log(`check-imports: ${files.length} files, ${edges.length} imports, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
