import type { CustomDomain } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";
import type { DialectTraits } from "./traits.ts";

/** A custom domain as this API answers it: the private key never. */
export function customDomainDocument(
  domain: CustomDomain,
  accountId: string,
  { version }: DialectTraits,
): Record<string, unknown> {
  const { certificate } = domain;
  return {
    domainName: domain.domainName,
    protocol: domain.protocol,
    accountId,
    apiVersion: version,
    routeConfig: { routes: domain.routes },
    certConfig: certificate && { certName: certificate.certName, certificate: certificate.certificate },
    tlsConfig: domain.tlsConfig,
    createdTime: timeText(domain.createdAt),
    lastModifiedTime: timeText(domain.lastModifiedAt),
  };
}
