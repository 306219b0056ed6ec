/** Front door of src/drivers: makes the driver that brings instances to life, in a spawner process of its own. */
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "../base/base.ts";
import { treeName } from "./cgroup/cgroup.ts";
import { type DriverConfiguration, resolveDriverConfiguration } from "./configuration.ts";
import type { Driver, DriverName, OutputSink } from "./driver.ts";
import { ImageRoutingDriver } from "./image-routing-driver.ts";
import { type InspectedDriver, inspectDriver } from "./inspection.ts";
import { needsUserNamespace, userNamespaceObstacle } from "./sandbox/user-namespace.ts";
import type { SpawnerSetup } from "./spawner/messages.ts";
import { SpawnerDriver } from "./spawner/spawner-driver.ts";

export { type DriverConfiguration, defaultDriverConfiguration } from "./configuration.ts";
export * from "./container/container.ts";
export * from "./driver.ts";
export type { HostFeature } from "./host-feature.ts";
export type { InspectedDriver } from "./inspection.ts";
export { findLeftovers, type Leftover } from "./leftovers.ts";
export { checkNetworkRange } from "./network/host-addresses.ts";

export interface CreateDriverOptions {
  /** `auto`: the strongest that works here. */
  readonly isolation: "auto" | DriverName;
  readonly output: OutputSink;
  readonly logger: Logger;
  /** What is left out has its default. */
  readonly configuration?: Partial<DriverConfiguration>;
  /** Node.js for the functions, first in their PATH; default: the one that runs Sluice. */
  readonly nodePath?: string;
  /** Folder for the disks of instances, for this driver alone; default: one below the system's for temporary files. */
  readonly scratchFolder?: string;
}

export interface CreatedDriver {
  readonly driver: Driver;
  readonly chosen: DriverName;
  /** What was tried before and does not work here. */
  readonly tried: readonly TriedDriver[];
}

export interface TriedDriver {
  readonly name: DriverName;
  readonly reason: string;
}

/** Strongest first; `container` comes before `process`, which is no isolation at all. */
const LADDER: readonly DriverName[] = ["sandbox", "container", "process"];

/**
 * Makes the driver after a real trial start. Rejects with an Error that says why when none of those asked for works,
 * when what does cannot give what the configuration asks for in so many words, or when the configuration is wrong.
 */
export async function createDriver(options: CreateDriverOptions): Promise<CreatedDriver> {
  const configuration = resolveDriverConfiguration(options.configuration);
  const tried: TriedDriver[] = [];
  for (const name of options.isolation === "auto" ? LADDER : [options.isolation]) {
    const result = await tryDriver(name, options, configuration);
    if ("driver" in result) return { driver: result.driver, chosen: name, tried };
    if ("unmet" in result) throw new Error(result.unmet);
    tried.push({ name, reason: result.reason });
  }
  const reasons = tried.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  throw new Error(`No instance can be started with isolation "${options.isolation}" on this machine: ${reasons}`);
}

/**
 * Tries every isolation for real, the strongest first, also those that `auto` would not get to. Rejects where the
 * configuration is wrong.
 */
export async function inspectHost(options: Omit<CreateDriverOptions, "isolation">): Promise<InspectedDriver[]> {
  const configuration = resolveDriverConfiguration(options.configuration);
  const inspected: InspectedDriver[] = [];
  for (const name of LADDER) {
    inspected.push(await inspectDriver(name, () => openDriver(name, options, configuration, false)));
  }
  return inspected;
}

async function tryDriver(
  name: DriverName,
  options: CreateDriverOptions,
  configuration: DriverConfiguration,
): Promise<{ readonly driver: Driver } | { readonly unmet: string } | { readonly reason: string }> {
  try {
    const driver = await openDriver(name, options, configuration, true);
    const result = await driver.probe();
    if (result.works && driver.unmet === undefined) return { driver: withImages(driver, options, configuration) };
    await driver.close();
    // No weaker isolation in its place: that was not asked for.
    if (result.works) return { unmet: driver.unmet! };
    return { reason: result.reason };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * A driver that starts images too. From a user namespace with a network of its own no port is reached that a container
 * engine publishes, so that images get a spawner outside of it.
 */
function withImages(
  driver: SpawnerDriver,
  options: Omit<CreateDriverOptions, "isolation">,
  configuration: DriverConfiguration,
): Driver {
  if (driver.capabilities.images) return driver;
  const setup = setupOf("process", options, configuration, true, false);
  return new ImageRoutingDriver(driver, () =>
    SpawnerDriver.begin({ setup, output: options.output, logger: options.logger }),
  );
}

/** Rejects with the reason where not even the spawner can be started. */
async function openDriver(
  name: DriverName,
  options: Omit<CreateDriverOptions, "isolation">,
  configuration: DriverConfiguration,
  sweeps: boolean,
): Promise<SpawnerDriver> {
  const inUserNamespace = name === "sandbox" && needsUserNamespace();
  const obstacle = inUserNamespace ? await userNamespaceObstacle() : undefined;
  if (obstacle !== undefined) throw new Error(obstacle);
  const setup = setupOf(name, options, configuration, sweeps, inUserNamespace);
  return SpawnerDriver.open({ setup, output: options.output, logger: options.logger });
}

function setupOf(
  name: DriverName,
  options: Omit<CreateDriverOptions, "isolation">,
  configuration: DriverConfiguration,
  sweeps: boolean,
  inUserNamespace: boolean,
): SpawnerSetup {
  return {
    driver: name,
    configuration,
    nodePath: options.nodePath ?? process.execPath,
    scratchFolder: options.scratchFolder ?? join(tmpdir(), `sluice-scratch-${randomUUID()}`),
    cgroupTreeName: treeName(process.pid),
    sweeps,
    useNamespaces: true,
    inUserNamespace,
  };
}
