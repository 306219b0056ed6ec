#!/usr/bin/env node
// The `sluice` command. Plain JavaScript that also runs on Node 20: it finds a Node.js 24 and goes on under it.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findNode24, runUnder } from "./launcher.js";

// An installed package holds compiled JavaScript in dist/; a checkout runs its TypeScript as it stands.
const compiled = new URL("../dist/cli/main.js", import.meta.url);
const source = new URL("../src/cli/main.ts", import.meta.url);
const main = existsSync(source) ? source : compiled;

const node = findNode24();
if (node === process.execPath) {
  await import(main.href);
} else {
  runUnder(node, [fileURLToPath(main), ...process.argv.slice(2)]);
}
