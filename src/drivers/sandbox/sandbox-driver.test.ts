import { systemClock as clock, silentLogger as logger } from "../../base/base.ts";
import { driverContract } from "../testing/driver-contract.ts";
import {
  configuration,
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
  skip,
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
  hasOwnUids: true,
  open: (output) => spawnerDriver("sandbox", output),
});
