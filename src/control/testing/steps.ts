/**
 * Named points in every write, found at the border to the operating system instead of being written into the code: each
 * call that changes a file, a folder or the database, and the head of each answer, is a step. A process that imports
 * this can list its steps, or be killed by SIGKILL just before one of them (in the middle of it, where it writes
 * bytes). Sluice itself holds nothing of it.
 */
import fs from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

/** One step: what is done, and the paths that it is done to. */
export interface Step {
  readonly what: string;
  readonly paths: readonly string[];
}

type Method = (this: unknown, ...args: never[]) => unknown;

let steps: Step[] | undefined;
let killAt = 0;

/** Begins to count. `at`: the step, from 1, before which this process is killed; 0: none. */
export function countSteps(at = 0): void {
  steps = [];
  killAt = at;
}

/** The steps since `countSteps`. */
export function stepsSince(): readonly Step[] {
  return steps ?? [];
}

/** `torn` does a part of the step, which a kill may leave. */
function step(what: string, paths: readonly string[], torn?: () => void): void {
  if (steps === undefined) return;
  steps.push({ what, paths });
  if (steps.length !== killAt) return;
  torn?.();
  process.kill(process.pid, "SIGKILL");
  // The signal ends every thread; this one does not go on until it does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function wrap<T extends object>(owner: T, name: string, before: (self: never, args: readonly never[]) => void): void {
  const methods = owner as Record<string, Method | undefined>;
  const original = methods[name];
  if (original === undefined) throw new Error(`Node.js has no ${name} here`);
  methods[name] = function wrapped(this: unknown, ...args: never[]) {
    before(this as never, args);
    return original.apply(this, args);
  };
}

/** Calls on paths that change something, with how many paths they take. */
const PATH_CALLS = {
  mkdir: 1,
  rename: 2,
  rm: 1,
  rmdir: 1,
  unlink: 1,
  symlink: 2,
  link: 2,
  copyFile: 2,
  cp: 2,
  writeFile: 1,
  truncate: 1,
};

const paths = new WeakMap<FileHandle, string>();

for (const [name, count] of Object.entries(PATH_CALLS)) {
  const before = (_self: never, args: readonly never[]) => step(name, args.slice(0, count).map(String));
  wrap(fs.promises, name, before);
  wrap(fs, `${name}Sync`, before);
}

const originalOpen = fs.promises.open;
fs.promises.open = async (path, flags, mode) => {
  const changes = flags !== undefined && flags !== "r";
  if (changes) step("open", [String(path)]);
  const handle = await originalOpen(path, flags, mode);
  paths.set(handle, String(path));
  return handle;
};

const handleMethods: FileHandle = await (async () => {
  await using handle = await open("/dev/null", "r");
  return Object.getPrototypeOf(handle);
})();
for (const name of ["write", "writeFile", "writev", "appendFile", "truncate", "chmod", "sync", "datasync"]) {
  wrap(handleMethods, name, (handle: FileHandle, [data]: readonly unknown[]) => {
    const half = data instanceof Uint8Array ? data.subarray(0, data.length / 2) : undefined;
    step(name, [paths.get(handle) ?? "?"], half && (() => void fs.writeSync(handle.fd, half)));
  });
}

wrap(DatabaseSync.prototype, "exec", (_self, [sql]) => step("sql", [String(sql)]));
wrap(StatementSync.prototype, "run", (statement: StatementSync) => step("sql", [statement.sourceSQL]));
wrap(ServerResponse.prototype, "writeHead", () => step("answer", []));

syncBuiltinESMExports();
