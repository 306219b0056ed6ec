#!/usr/bin/env node
// Runs a script of this checkout under Node.js 24: `node bin/node24.js FILE [ARG ...]`. Plain JavaScript, Node 20 and later.
import { findNode24, runUnder } from "./launcher.js";

runUnder(findNode24(), process.argv.slice(2));
