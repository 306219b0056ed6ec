import { isIP } from "node:net";
import type { CustomDomain } from "../../model/model.ts";
import type { EndpointInfo } from "../options.ts";

const NAME_MAX_CHARS = 253;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** Why a name cannot be a custom domain, as "expected ..."; undefined where it can. */
export function domainNameFault(domainName: string, { domain }: EndpointInfo): string | undefined {
  const name = domainName.toLowerCase();
  const base = name.startsWith("*.") ? name.slice(2) : name;
  const labels = base.split(".");
  if (isIP(name) !== 0 || /^\d+$/.test(labels.at(-1) ?? "")) return "a host name, not an IP address";
  if (name.length > NAME_MAX_CHARS || labels.length < 2 || !labels.every((label) => LABEL.test(label))) {
    return "a host name such as grpc.example.com or *.example.com";
  }
  const zone = domain.toLowerCase();
  const inZone = isInZone(base, domain);
  const aboveZone = name.startsWith("*.") && zone.endsWith(`.${base}`);
  if (inZone || aboveZone) return `a name outside ${domain}, where Sluice gives names itself`;
  return undefined;
}

/** Whether Sluice gives the names of this zone itself; its own certificate covers those one label below the region. */
export function isInZone(name: string, domain: string): boolean {
  const zone = domain.toLowerCase();
  return name.toLowerCase() === zone || name.toLowerCase().endsWith(`.${zone}`);
}

/** Whether the gRPC port, which takes TLS alone, serves a domain: not with protocol HTTP. */
export function isServed({ protocol }: Pick<CustomDomain, "protocol">): boolean {
  return protocol !== "HTTP";
}
