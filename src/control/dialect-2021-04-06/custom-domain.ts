import type { CustomDomain } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";

/** A custom domain as this API answers it: the private key never. */
export function customDomainDocument(domain: CustomDomain, accountId: string): Record<string, unknown> {
  const { certificate } = domain;
  return {
    domainName: domain.domainName,
    protocol: domain.protocol,
    accountId,
    apiVersion: "2021-04-06",
    routeConfig: { routes: domain.routes },
    certConfig: certificate && { certName: certificate.certName, certificate: certificate.certificate },
    tlsConfig: domain.tlsConfig,
    createdTime: timeText(domain.createdAt),
    lastModifiedTime: timeText(domain.lastModifiedAt),
  };
}
