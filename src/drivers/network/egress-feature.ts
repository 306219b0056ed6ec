import type { HostFeature } from "../host-feature.ts";
import type { Egress } from "./egress.ts";

/** Whether functions have a way out here; `remedy`: what gives them one, where the reason does not say it itself. */
export function egressFeature({ kind, reason }: Egress, remedy?: string): HostFeature {
  const name = "a way out to the network, with internetAccess";
  if (kind === "user") return { name, works: true, detail: "in user mode, by slirp4netns" };
  if (kind === "nat") return { name, works: true, detail: "nat, with an nftables table on this host" };
  return { name, works: false, detail: reason, ...(remedy !== undefined && { remedy }) };
}
