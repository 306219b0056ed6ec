import { systemClock as clock, silentLogger as logger } from "../../base/base.ts";
import { driverContract } from "../testing/driver-contract.ts";
import {
  configuration,
  isRoot,
  localDriver,
  nodePath,
  sandboxSkip,
  scratchFolder,
  spawnerDriver,
  testCgroups,
} from "../testing/subjects.ts";
import { createSandboxLauncher } from "./sandbox-launcher.ts";

const skip = sandboxSkip();

driverContract({
  title: "sandbox driver",
  skip: skip || (isRoot ? false : "an ordinary user's is in its own namespaces, so only in the spawner"),
  hasOwnUids: true,
  async open(output) {
    const cgroups = testCgroups();
    return localDriver(
      await createSandboxLauncher({ clock, logger, configuration, nodePath, cgroups, scratchFolder: scratchFolder() }),
      output,
    );
  },
});
driverContract({
  title: "sandbox driver in the spawner",
  skip,
  hasOwnUids: isRoot,
  open: (output) => spawnerDriver("sandbox", output),
});
