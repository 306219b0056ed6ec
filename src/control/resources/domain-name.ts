import { isIP } from "node:net";
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
  const inZone = base === zone || base.endsWith(`.${zone}`);
  const aboveZone = name.startsWith("*.") && zone.endsWith(`.${base}`);
  if (inZone || aboveZone) return `a name outside ${domain}, where Sluice gives names itself`;
  return undefined;
}
