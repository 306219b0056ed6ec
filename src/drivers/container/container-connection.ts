/** How an instance is reached, and how it is seen that it listens. */
import type Docker from "dockerode";
import type { Clock } from "../../base/base.ts";
import type { StartSpec } from "../driver.ts";
import type { Launched } from "../local/launcher.ts";
import type { Egress, WayOut } from "../network/egress.ts";
import type { FreeAddresses } from "../network/free-addresses.ts";
import { NamespaceLook } from "../sandbox/namespace-look.ts";
import { linkContainer } from "./container-link.ts";
import { type Engine, engineStatus } from "./engine.ts";
import { proxiedLook } from "./proxied-look.ts";

export interface ContainerConnection extends Pick<Launched, "endpoint" | "look" | "endLook"> {
  readonly wayOut?: WayOut;
}

/** What links of ours are made with. */
export interface LinkPlace {
  readonly addresses: FreeAddresses;
  readonly egress: Egress;
}

/** Over a link of ours into the network namespace of the container's first process. */
export async function linkedConnection(
  { addresses, egress }: LinkPlace,
  pid: number,
  { caPort, internetAccess }: StartSpec,
  clock: Clock,
): Promise<ContainerConnection> {
  const parkedRules = egress.parkedRules();
  const endpoint = await linkContainer(addresses, pid, caPort, parkedRules);
  const isOpen = internetAccess && egress.kind !== "none";
  const namespace = { pid, name: undefined, hostAddress: endpoint.localAddress!, parkedRules };
  const look = new NamespaceLook(pid, caPort, clock);
  return {
    endpoint,
    look: () => look.look(),
    endLook: () => look.end(),
    ...(isOpen ? { wayOut: egress.attach(namespace) } : {}),
  };
}

/** Over a port of this machine's loopback that the engine has published. */
export function publishedConnection(info: Docker.ContainerInspectInfo, port: number): ContainerConnection {
  const published = info.NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort;
  if (published === undefined) return noConnection(port);
  return {
    endpoint: { host: "127.0.0.1", port: Number(published) },
    look: proxiedLook(Number(published)),
    endLook() {},
  };
}

/** Of a container that has ended before it could be connected. */
export function noConnection(port: number): ContainerConnection {
  return { endpoint: { host: "127.0.0.1", port }, look: () => ({ kind: "silent" }), endLook() {} };
}

/** Name of the network through which ports are published. */
export const PUBLISHING_NETWORK = "sluice";

/** Makes it where it is not there: its containers do not reach each other. */
export async function ensurePublishingNetwork({ docker }: Engine): Promise<void> {
  try {
    await docker.getNetwork(PUBLISHING_NETWORK).inspect();
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    await docker.createNetwork({
      Name: PUBLISHING_NETWORK,
      Driver: "bridge",
      Options: { "com.docker.network.bridge.enable_icc": "false" },
      Labels: { "sluice.network": "publishing" },
    });
  }
}
