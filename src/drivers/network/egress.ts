/**
 * The way out to the network of functions whose service has `internetAccess: true`. Each kind of it brings packets from
 * an instance's network namespace to where the host sends its own; what they may not reach is refused inside of that
 * namespace (egress-rules.ts), before anything of the kind's sees it.
 */
import type { Clock, Logger } from "../../base/base.ts";
import type { DriverConfiguration } from "../configuration.ts";
import { openNatEgress } from "./nat-egress.ts";
import { sweepNatTables } from "./nat-table.ts";
import type { NetworkOwner } from "./network-owner.ts";
import { type Obstacle, slirpObstacle } from "./slirp.ts";
import { openSlirpHost, type SlirpHost } from "./slirp-host.ts";
import { openUserEgress } from "./user-egress.ts";

/** An instance's network namespace. */
export interface EgressNamespace {
  /** A process in it. */
  readonly pid: number;
  /** Its name in the owner's view of files; undefined where there is no owner. */
  readonly name: string | undefined;
  /** The host's end of its link, an IPv4 address. */
  readonly hostAddress: string;
  /** What `parkedRules` was when it was made. */
  readonly parkedRules: string;
}

/** One instance's way out. */
export interface WayOut {
  /** Processes of its own that run. */
  pids(): readonly number[];
  /** The instance has started: until then it leaves the processors to the instance. */
  hurry(): void;
  /** Ends it, at once. Idempotent. */
  end(): void;
}

export interface Egress {
  readonly kind: "user" | "nat" | "none";
  /** Why there is none, where that is not as configured. */
  readonly obstacle?: Obstacle;
  /** The user namespace in which the instances' network namespaces must be made; undefined: that of the host. */
  readonly owner: NetworkOwner | undefined;
  /** Whom an instance asks for names, unless its function says otherwise. */
  readonly nameServers: readonly string[];
  /** Rules, beside those of the link, for a namespace that is made ready; with them alone nothing gets out. */
  parkedRules(): string;
  /** Opens a way out of a namespace; nobody waits for it. */
  attach(namespace: EgressNamespace): WayOut;
  /** Takes back what it did to the host. Ways out have ended before. */
  close(): Promise<void>;
}

export interface EgressOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configuration: DriverConfiguration;
}

/** Functions have no way out; `obstacle`: why they have none that was asked for. */
export function noEgress(obstacle?: Obstacle): Egress {
  return {
    kind: "none",
    ...(obstacle && { obstacle }),
    owner: undefined,
    nameServers: [],
    parkedRules: () => "",
    attach: () => ({ pids: () => [], hurry() {}, end() {} }),
    async close() {},
  };
}

export interface OpenEgressOptions extends EgressOptions {
  /** Where this process is not in the host's network, from which alone a way leads out: who is. */
  readonly outside: SlirpHost | undefined;
  /** False for a look at the host. */
  readonly changesHost: boolean;
}

/**
 * As configured, after what dead Sluices have left is taken back. Never rejects: where it cannot be had, functions have
 * none and the obstacle says why; where it was not asked for in so many words (`auto`), that is logged too.
 */
export async function openEgress(options: OpenEgressOptions): Promise<Egress> {
  const { configuration, outside, changesHost } = options;
  try {
    if (changesHost && outside === undefined) await sweepNatTables();
    switch (configuration.egress) {
      case "none":
        return noEgress();
      case "nat":
        if (outside !== undefined) return noEgress(NAT_NEEDS_ROOT);
        return changesHost ? await openNatEgress(options) : noEgress();
      default: {
        const obstacle = slirpObstacle();
        if (obstacle !== undefined) return without(obstacle, options);
        return openUserEgress(options, outside ?? (await openSlirpHost(options, configuration)));
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return without({ reason }, options);
  }
}

const NAT_NEEDS_ROOT: Obstacle = { reason: "only root may change the host's network", remedy: "start Sluice as root" };

function without(obstacle: Obstacle, { configuration, logger }: OpenEgressOptions): Egress {
  if (configuration.egress === "auto") {
    logger.warn("functions have no way out to the network, also where internetAccess is true", { ...obstacle });
  }
  return noEgress(obstacle);
}
