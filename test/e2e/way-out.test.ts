/** Functions' way out through a real server, on a host of the test's own. */
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runScene } from "../../src/drivers/testing/network/run-scene.ts";
import { egressSkip } from "../../src/drivers/testing/subjects.ts";
import { goMissing, testPrograms } from "../support/clients.ts";

test("--egress, and customDNS of an s.yaml, as root and as an ordinary user", {
  skip: egressSkip() || goMissing,
}, async () => {
  // There the network to fetch a compiler's modules from is missing.
  await testPrograms();
  await runScene(fileURLToPath(new URL("../support/way-out-scene.ts", import.meta.url)));
});
