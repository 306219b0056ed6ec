/**
 * A program for the durability test: commits numbered documents and usage one after the other until it is killed, and
 * says the number of each on stdout once the store has acknowledged both.
 */
import { writeSync } from "node:fs";
import { openSqliteStore } from "../store.ts";
import { usage } from "./samples.ts";

const file = process.argv[2];
if (file === undefined) throw new Error("Give the database file");
const store = await openSqliteStore({ file });
for (let i = 1; ; i += 1) {
  await store.commit([{ type: "put", accountId: "1", kind: "service", key: `s${i}`, value: { i } }], []);
  await store.appendUsage("1", [usage("i", i, i + 1, 1)]);
  writeSync(1, `${i}\n`);
}
