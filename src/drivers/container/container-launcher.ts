/**
 * Instances in containers: images, and code packages in a base image. Where the engine runs on this system and we are
 * root, a container starts without any network and gets a link of ours, and its control groups are made below our own.
 * Elsewhere (Docker Desktop, Podman's machine, without root) its port is published on this machine's loopback, and the
 * engine is asked what it uses.
 */
import type { Clock, Logger } from "../../base/base.ts";
import type { DriverConfiguration } from "../configuration.ts";
import { StartError } from "../driver.ts";
import { findTool } from "../host/find-tool.ts";
import type { Launcher } from "../local/launcher.ts";
import { FreeAddresses } from "../network/free-addresses.ts";
import { openContainerCgroups } from "./container-cgroups.ts";
import { ensurePublishingNetwork, PUBLISHING_NETWORK } from "./container-connection.ts";
import { ContainerFactory } from "./container-factory.ts";
import { containerFeatures } from "./container-features.ts";
import { launchContainer } from "./container-launch.ts";
import { type Engine, type EngineOptions, engineWords, openEngine } from "./engine.ts";
import { type EngineFacts, engineFacts } from "./engine-facts.ts";
import { openImageSource } from "./image-source.ts";
import { OomWatch } from "./oom-watch.ts";
import { removeLeftContainers } from "./owner.ts";
import { packageView } from "./start-fault.ts";

/** The tools that a link is made with, with the Debian package of each. */
const LINK_TOOLS: Readonly<Record<string, string>> = { ip: "iproute2", nft: "nftables", nsenter: "util-linux" };

export interface ContainerLauncherOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configuration: DriverConfiguration;
  /** Name of our tree of control groups. */
  readonly cgroupTreeName: string;
  /** Remove what dead Sluices left. */
  readonly sweeps: boolean;
  readonly engine?: EngineOptions;
  /** For tests and diagnosis, false: as beside an engine that takes no paths of control groups (driver `systemd`). */
  readonly useOwnCgroups?: boolean;
}

/** Never rejects: without an engine it makes a launcher with an obstacle. */
export async function createContainerLauncher(options: ContainerLauncherOptions): Promise<Launcher> {
  try {
    const engine = await openEngine(options.engine);
    const facts = await engineFacts(engine);
    if (options.sweeps) await removeLeftContainers(engine, options.logger);
    return await containerLauncher(options, engine, facts);
  } catch (error) {
    return unableLauncher(engineWords(error));
  }
}

async function containerLauncher(
  options: ContainerLauncherOptions,
  engine: Engine,
  facts: EngineFacts,
): Promise<Launcher> {
  const { clock, logger, configuration } = options;
  const isLinked = facts.isHere && !facts.isRootless && process.getuid?.() === 0;
  const missing = isLinked ? Object.keys(LINK_TOOLS).filter((tool) => findTool(tool) === undefined) : [];
  if (missing.length > 0) {
    const packages = missing.map((tool) => LINK_TOOLS[tool]).join(" ");
    return unableLauncher(`${missing.join(", ")} not found: install them (apt-get install ${packages})`);
  }
  if (!isLinked) {
    await ensurePublishingNetwork(engine);
    logger.warn(
      "containers reach the network whatever internetAccess says: the engine is not on this system, or not ours",
    );
  }
  const images = openImageSource({ address: engine.address });
  const cgroups =
    isLinked && facts.takesCgroupPaths && options.useOwnCgroups !== false
      ? openContainerCgroups(options.cgroupTreeName, logger, options.sweeps)
      : undefined;
  const oomWatch = new OomWatch(engine, clock);
  const factory = new ContainerFactory({
    engine,
    images,
    logger,
    configuration,
    publishingNetwork: isLinked ? undefined : PUBLISHING_NETWORK,
  });
  const around = {
    clock,
    configuration,
    engine,
    cgroups,
    factory,
    oomWatch,
    addresses: isLinked ? new FreeAddresses(configuration.networkRanges) : undefined,
  };
  return {
    name: "container",
    ownNetwork: true,
    limitsMemory: true,
    freezes: true,
    measures: true,
    runsImages: true,
    givesUids: true,
    obstacle: undefined,
    features: containerFeatures({ facts, isLinked, cgroups: cgroups?.tree, configuration }),
    view: (spec) => (spec.image === undefined ? packageView(spec.codeDir, false) : undefined),
    launch: (plan) => launchContainer(plan, around),
    async close() {
      images.close();
      oomWatch.close();
      cgroups?.close();
    },
  };
}

/** Of a host on which no container can be started; `obstacle` says why and what to do. */
function unableLauncher(obstacle: string): Launcher {
  return {
    name: "container",
    ownNetwork: true,
    limitsMemory: false,
    freezes: false,
    measures: false,
    runsImages: true,
    givesUids: false,
    obstacle,
    features: [],
    view: () => undefined,
    launch: () => Promise.reject(new StartError("FunctionNotStarted", obstacle, "")),
    async close() {},
  };
}
