import type { CgroupTree } from "../cgroup/cgroup.ts";
import { cgroupFeatures } from "../cgroup/cgroup-features.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { HostFeature } from "../host-feature.ts";
import type { Egress } from "../network/egress.ts";
import { egressFeature } from "../network/egress-feature.ts";
import type { EngineFacts } from "./engine-facts.ts";

/** What is known of an engine when instances are to run in its containers. */
export interface ContainerGround {
  readonly facts: EngineFacts;
  /** Containers get a network link of ours. */
  readonly isLinked: boolean;
  readonly cgroups: CgroupTree | undefined;
  readonly configuration: DriverConfiguration;
  /** Undefined: the engine's own. */
  readonly egress: Egress | undefined;
}

/** What a container does here. */
export function containerFeatures({ facts, isLinked, cgroups, configuration, egress }: ContainerGround): HostFeature[] {
  const engine = facts.isPodman ? "Podman" : "Docker";
  const runtime = configuration.containerRuntime === "" ? "the default runtime" : configuration.containerRuntime;
  const network = "a network link of its own";
  return [
    { name: "functions that are images", works: true, detail: `${engine}, ${runtime}` },
    isLinked
      ? { name: network, works: true, detail: "a link into the container" }
      : {
          name: network,
          works: false,
          detail: "the engine is not on this system or not root's: ports are published on the loopback",
          remedy: "run Sluice as root beside Docker on Linux",
        },
    ...(egress === undefined ? [] : [egressFeature(egress, configuration.egress)]),
    ...(cgroups === undefined
      ? [{ name: "limits of memory, processes and CPU", works: true, detail: `by ${engine}` }]
      : cgroupFeatures(cgroups)),
  ];
}
