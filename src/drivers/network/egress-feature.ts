import type { DriverConfiguration } from "../configuration.ts";
import type { HostFeature } from "../host-feature.ts";
import type { Egress } from "./egress.ts";

/** Whether functions have a way out here. */
export function egressFeature({ kind, obstacle }: Egress, configured: DriverConfiguration["egress"]): HostFeature {
  const name = "a way out to the network, with internetAccess";
  if (kind === "user") return { name, works: true, detail: "in user mode, by slirp4netns" };
  if (kind === "nat") return { name, works: true, detail: "nat, with an nftables table on this host" };
  if (obstacle !== undefined) {
    const { reason, remedy } = obstacle;
    return { name, works: false, detail: reason, ...(remedy !== undefined && { remedy }) };
  }
  const detail =
    configured === "nat" ? "with egress nat it is there while Sluice runs" : "the configuration says egress none";
  return { name, works: false, detail };
}

/** What was asked for in so many words and is not to be had, with what to do; undefined: nothing. */
export function unmetEgress({ obstacle }: Egress, configured: DriverConfiguration["egress"]): string | undefined {
  if (obstacle === undefined || configured === "auto") return undefined;
  const { reason, remedy } = obstacle;
  const toGetIt = remedy === undefined ? "" : `to get it: ${remedy}; `;
  return `egress ${configured}, a way out for functions, cannot be had here: ${reason} (${toGetIt}without it: egress none)`;
}
