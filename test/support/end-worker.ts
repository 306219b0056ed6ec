/**
 * A module to preload (`NODE_OPTIONS=--import`): ends the thread of the control plane by a fault when the file that
 * SLUICE_TEST_END_WORKER names appears, as a bug of Sluice's would.
 */
import { existsSync, rmSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env["SLUICE_TEST_END_WORKER"];
if (!isMainThread && file !== undefined) {
  setInterval(() => {
    if (!existsSync(file)) return;
    rmSync(file);
    throw new Error("The control plane ends here, for a test");
  }, 20).unref();
}
