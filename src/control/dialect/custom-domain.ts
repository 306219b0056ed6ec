import type { CustomDomain, DomainInfo } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";
import type { DialectTraits } from "./traits.ts";

/**
 * A custom domain as this API answers it: the private key never. `warnings` is Sluice's own: SDKs pass over it. Serverless
 * Devs, which speaks API 2016-08-15, would take what it does not know for a change by somebody else.
 */
export function customDomainDocument(
  domain: CustomDomain,
  { warnings }: DomainInfo,
  accountId: string,
  { version }: DialectTraits,
): Record<string, unknown> {
  return {
    domainName: domain.domainName,
    protocol: domain.protocol,
    accountId,
    apiVersion: version,
    routeConfig: { routes: domain.routes },
    certConfig: certConfigOf(domain),
    tlsConfig: domain.tlsConfig,
    createdTime: timeText(domain.createdAt),
    lastModifiedTime: timeText(domain.lastModifiedAt),
    ...(version === "2021-04-06" && warnings.length > 0 && { warnings }),
  };
}

/** That of the local CA is not the user's, and not shown: what was sent and what is answered stay the same. */
function certConfigOf({ certificate, acme }: CustomDomain) {
  const certName = acme === undefined ? certificate?.certName : "acme";
  return certName === undefined ? undefined : { certName, certificate: certificate?.certificate };
}
