/** A program for the durability test: a control plane whose main loop confirms all; says its port on stdout. */
import { writeSync } from "node:fs";
import { openControl } from "./control-under-test.ts";

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error("Give the data folder");
const { control } = await openControl(dataDir);
writeSync(1, `${control.apiPort}\n`);
