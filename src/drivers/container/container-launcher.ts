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
import { type Egress, noEgress, openEgress } from "../network/egress.ts";
import { unmetEgress } from "../network/egress-feature.ts";
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

/** An engine that was found, and what it takes to start containers with it. */
type OpenedEngine = Pick<Launcher, "launch" | "features" | "unmet" | "close">;

/** Never rejects. Without an engine it is a launcher with an obstacle, which looks again when the next instance starts. */
export async function createContainerLauncher(options: ContainerLauncherOptions): Promise<Launcher> {
  let latest = await tryEngine(options);
  let trying: Promise<OpenedEngine | string> | undefined;

  async function opened(): Promise<OpenedEngine> {
    if (typeof latest !== "string") return latest;
    trying ??= tryEngine(options);
    latest = await trying;
    trying = undefined;
    if (typeof latest === "string") throw new StartError("FunctionNotStarted", latest, "");
    return latest;
  }

  return {
    name: "container",
    ownNetwork: true,
    limitsMemory: true,
    limitsProcesses: true,
    capsCpu: true,
    freezes: true,
    measures: true,
    runsImages: true,
    givesUids: true,
    get obstacle() {
      return typeof latest === "string" ? latest : undefined;
    },
    get features() {
      return typeof latest === "string" ? [] : latest.features;
    },
    get unmet() {
      return typeof latest === "string" ? undefined : latest.unmet;
    },
    view: (spec) => (spec.image === undefined ? packageView(spec.codeDir, false) : undefined),
    launch: async (plan) => (await opened()).launch(plan),
    async close() {
      if (typeof latest !== "string") await latest.close();
    },
  };
}

/** Or why no container can be started, and what to do. */
async function tryEngine(options: ContainerLauncherOptions): Promise<OpenedEngine | string> {
  try {
    const engine = await openEngine(options.engine);
    const facts = await engineFacts(engine);
    if (options.sweeps) await removeLeftContainers(engine, options.logger);
    return await useEngine(options, engine, facts);
  } catch (error) {
    return engineWords(error);
  }
}

/** Rejects with what stands against it. */
async function useEngine(options: ContainerLauncherOptions, engine: Engine, facts: EngineFacts): Promise<OpenedEngine> {
  const { clock, logger, configuration } = options;
  const isLinked = facts.isHere && !facts.isRootless && process.getuid?.() === 0;
  const missing = isLinked ? Object.keys(LINK_TOOLS).filter((tool) => findTool(tool) === undefined) : [];
  if (missing.length > 0) {
    const packages = missing.map((tool) => LINK_TOOLS[tool]).join(" ");
    throw new Error(`${missing.join(", ")} not found: install them (apt-get install ${packages})`);
  }
  if (!isLinked) {
    await ensurePublishingNetwork(engine);
    logger.warn(
      "containers reach the network whatever internetAccess says: the engine is not on this system, or not ours",
    );
  }
  const images = openImageSource({ address: engine.address });
  const budget = { memoryMb: configuration.instanceMemoryMaxMb };
  const cgroups =
    isLinked && facts.takesCgroupPaths && options.useOwnCgroups !== false
      ? openContainerCgroups(options.cgroupTreeName, budget, logger, options.sweeps)
      : undefined;
  const egress = isLinked ? await openContainerEgress(options) : undefined;
  const oomWatch = new OomWatch(engine, clock);
  const factory = new ContainerFactory({
    engine,
    images,
    logger,
    configuration,
    publishingNetwork: isLinked ? undefined : PUBLISHING_NETWORK,
    nameServers: egress?.nameServers ?? [],
  });
  const around = {
    clock,
    configuration,
    engine,
    cgroups,
    factory,
    oomWatch,
    links: egress && { addresses: new FreeAddresses(configuration.networkRanges), egress },
  };
  return {
    features: containerFeatures({ facts, isLinked, cgroups: cgroups?.tree, configuration, egress }),
    unmet: egress && unmetEgress(egress, configuration.egress),
    launch: (plan) => launchContainer(plan, around),
    async close() {
      images.close();
      oomWatch.close();
      await egress?.close();
      cgroups?.close();
    },
  };
}

/** By nat alone: in user mode its program would need a network namespace that the engine has not made. */
async function openContainerEgress(options: ContainerLauncherOptions): Promise<Egress> {
  const { egress } = options.configuration;
  if (egress === "nat") return openEgress({ ...options, outside: undefined, changesHost: options.sweeps });
  if (egress === "none") return noEgress();
  const reason = "containers have one with egress nat alone";
  options.logger.warn("functions in containers have no way out to the network, also where internetAccess is true", {
    reason,
  });
  return noEgress({ reason, remedy: "sluice start --egress nat" });
}
