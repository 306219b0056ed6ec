import type { Clock, Logger } from "../../base/base.ts";
import { noCgroups, openCgroups } from "../cgroup/cgroup.ts";
import { createContainerLauncher } from "../container/container-launcher.ts";
import type { Launcher } from "../local/launcher.ts";
import { createProcessLauncher } from "../process/process-launcher.ts";
import { createSandboxLauncher } from "../sandbox/sandbox-launcher.ts";
import type { SpawnerSetup } from "./messages.ts";

/** The launcher of the driver that the set-up names. */
export async function createLauncher(setup: SpawnerSetup, clock: Clock, logger: Logger): Promise<Launcher> {
  const { configuration, nodePath, scratchFolder, useNamespaces, cgroupTreeName } = setup;
  if (setup.driver === "container")
    return createContainerLauncher({ clock, logger, configuration, cgroupTreeName, sweeps: setup.sweeps });
  const mayLimit = process.platform === "linux" && process.getuid?.() === 0;
  const cgroups = mayLimit ? openCgroups(cgroupTreeName, logger, setup.sweeps) : noCgroups;
  switch (setup.driver) {
    case "process":
      return createProcessLauncher({ clock, configuration, cgroups, nodePath, useNamespaces });
    case "sandbox":
      return createSandboxLauncher({ clock, logger, configuration, cgroups, nodePath, scratchFolder });
    default:
      throw new Error(`Unknown driver ${JSON.stringify(setup.driver satisfies never)}`);
  }
}
