/** The container driver as a subject of the contract suite, with a daemon and images of its own. */
import { networkInterfaces } from "node:os";
import { after } from "node:test";
import { systemClock as clock, silentLogger as logger } from "../../base/base.ts";
import { treeName } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import { createContainerLauncher } from "../container/container-launcher.ts";
import type { OutputSink, StartSpec } from "../driver.ts";
import type { LocalDriver } from "../local/local-driver.ts";
import { SpawnerDriver } from "../spawner/spawner-driver.ts";
import { startDockerDaemon } from "./docker-daemon.ts";
import { configuration, localDriver, nodePath, scratchFolder } from "./subjects.ts";
import { makeTestImages, type TestImages } from "./test-images.ts";

/** Of these tests alone, so that their links can be told from those of others on this machine. */
const LINKS = "10.203.0.0/16";

/** Links of containers of these tests that are there. */
export function containerLinks(): number {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.filter((address) => address?.address.startsWith("10.203.")).length;
}

export interface ContainerSetting {
  /** Why there is none, or false. Then the others must not be asked. */
  readonly skip: string | false;
  readonly images: TestImages;
  readonly configuration: DriverConfiguration;
  /** For DOCKER_HOST, which is set in this process and those that it starts. */
  readonly address: string;
  /** What a start of the image has in place of a package. */
  readonly ofImage: () => Partial<StartSpec>;
  openDriver(output: OutputSink, changes?: Partial<DriverConfiguration>, useOwnCgroups?: boolean): Promise<LocalDriver>;
  /** In a spawner of its own, with control groups that the engine makes where not `useOwnCgroups`. */
  openSpawner(output: OutputSink, useOwnCgroups: boolean): Promise<SpawnerDriver>;
}

/** Starts the daemon, for one file of tests; it ends with their last one. */
export async function containerSetting(): Promise<ContainerSetting> {
  const daemon = await startDockerDaemon();
  if ("skip" in daemon) return { ...daemon } as ContainerSetting;
  const { address } = daemon;
  process.env["DOCKER_HOST"] = address;
  after(() => daemon.stop());
  const images = await makeTestImages(address);
  const ours = { ...configuration, networkRanges: [LINKS], containerBaseImage: images.base };
  return {
    skip: false,
    address,
    images,
    configuration: ours,
    ofImage: () => ({
      codeDir: "",
      command: [],
      image: { reference: "test/program:1", id: images.program },
    }),
    openSpawner(output, useOwnCgroups) {
      const setup = {
        driver: "container",
        configuration: ours,
        nodePath,
        scratchFolder: scratchFolder(),
        cgroupTreeName: treeName(process.pid),
        sweeps: true,
        useNamespaces: true,
        inUserNamespace: false,
        useOwnCgroups,
      } as const;
      return SpawnerDriver.open({ setup, output, logger });
    },
    async openDriver(output, changes = {}, useOwnCgroups = true) {
      const launcher = await createContainerLauncher({
        clock,
        logger,
        configuration: { ...ours, ...changes },
        cgroupTreeName: treeName(process.pid),
        sweeps: true,
        useOwnCgroups,
      });
      return localDriver(launcher, output);
    },
  };
}
