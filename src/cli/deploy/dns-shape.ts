import { isIP } from "node:net";
import { list, mapping, mismatch, needed, optional, type Shape, text } from "../s-yaml/shape.ts";

const address: Shape<string> = (node, position) => {
  const value = text()(node, position);
  if (isIP(value) === 0) throw mismatch(node, position, "an IP address");
  return value;
};

/** customDNS (Serverless Devs, "fc: YAML"). */
export const dnsShape = mapping({
  nameServers: optional(list(address)),
  searches: optional(list(text({ pattern: /^[A-Za-z0-9_.-]{1,253}$/, expected: "a domain name" }))),
  dnsOptions: optional(
    list(
      mapping({
        name: needed(text({ pattern: /^[a-z0-9-]{1,64}$/, expected: "the name of an option of resolv.conf" })),
        value: optional(text({ pattern: /^[A-Za-z0-9-]{0,64}$/, expected: "a text of at most 64 letters and digits" })),
      }),
    ),
  ),
});
