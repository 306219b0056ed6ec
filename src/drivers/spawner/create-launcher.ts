import type { Clock, Logger } from "../../base/base.ts";
import { noCgroups, openCgroups } from "../cgroup/cgroup.ts";
import { createContainerLauncher } from "../container/container-launcher.ts";
import type { DriverName } from "../driver.ts";
import type { Launcher } from "../local/launcher.ts";
import type { SlirpHost } from "../network/slirp-host.ts";
import { createProcessLauncher } from "../process/process-launcher.ts";
import { createSandboxLauncher } from "../sandbox/sandbox-launcher.ts";
import type { SpawnerSetup } from "./messages.ts";
import { withImages } from "./with-images.ts";

/**
 * The launcher of the driver that the set-up names. Images run in containers, whatever the isolation of packages is.
 * `outside` is there where the set-up says that this process is in a user namespace.
 */
export async function createLauncher(
  setup: SpawnerSetup,
  clock: Clock,
  logger: Logger,
  outside?: SlirpHost,
): Promise<Launcher> {
  const { driver } = setup;
  const openContainers = () => createContainerLauncher({ ...setup, clock, logger });
  if (driver === "container") return openContainers();
  const launcher = await createPackageLauncher(driver, setup, clock, logger, outside);
  // Ports that an engine publishes are in the host's network, which is not ours then.
  if (setup.inUserNamespace) return launcher;
  // Both in one tree of control groups: one budget holds for all instances.
  return withImages(launcher, openContainers);
}

async function createPackageLauncher(
  driver: Exclude<DriverName, "container">,
  setup: SpawnerSetup,
  clock: Clock,
  logger: Logger,
  outside: SlirpHost | undefined,
): Promise<Launcher> {
  const { configuration, nodePath, scratchFolder, useNamespaces, cgroupTreeName } = setup;
  const budget = { memoryMb: configuration.instanceMemoryMaxMb };
  const isLinux = process.platform === "linux";
  const cgroups = isLinux ? openCgroups(cgroupTreeName, budget, logger, setup.sweeps) : noCgroups;
  switch (driver) {
    case "process":
      return createProcessLauncher({ clock, configuration, cgroups, nodePath, useNamespaces });
    case "sandbox":
      return createSandboxLauncher({
        clock,
        logger,
        configuration,
        cgroups,
        nodePath,
        scratchFolder,
        ...(outside && { outside }),
        changesHost: setup.sweeps,
      });
    default:
      throw new Error(`Unknown driver ${JSON.stringify(driver satisfies never)}`);
  }
}
