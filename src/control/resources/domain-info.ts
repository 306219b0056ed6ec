import { X509Certificate } from "node:crypto";
import type { CustomDomain, DomainInfo } from "../../model/model.ts";
import { certificateConcerns } from "../certificates/certificate-concerns.ts";
import { isServed } from "./domain-name.ts";

/** How a domain stands at `nowAt` (epoch ms). `caFile`: of the local CA of custom domains. */
export function domainInfo(domain: CustomDomain, caFile: string, nowAt: number): DomainInfo {
  const { domainName, protocol, certificate, localCertificate, acme } = domain;
  const base = { domainName, protocol };
  if (!isServed(domain)) {
    const warning = `protocol ${protocol} is not served: the gRPC port takes TLS alone, so set protocol HTTPS or HTTP,HTTPS`;
    return { ...base, served: false, warnings: [warning] };
  }
  const shown = certificate ?? localCertificate;
  if (shown === undefined) return { ...base, served: true, certificateSource: "default", warnings: [] };
  const isLocal = certificate === undefined;
  const warnings = isLocal ? [] : certificateConcerns(shown.certificate, domainName, nowAt);
  if (isLocal) warnings.push(`its certificate is from a local CA, which clients have to be told of: ${caFile}`);
  if (acme?.state === "pending") warnings.push("its certificate by ACME has not come yet");
  if (acme?.state === "failing") {
    const again = new Date(acme.nextAt).toISOString();
    warnings.push(
      `no certificate by ACME, ${acme.failures} tries failed: ${acme.problem ?? "unknown"}; next try: ${again}`,
    );
  }
  const ofAcme = acme !== undefined && certificate?.certName === "acme";
  return {
    ...base,
    served: true,
    certificateSource: isLocal ? "local" : ofAcme ? "acme" : "own",
    validToAt: new X509Certificate(shown.certificate).validToDate.getTime(),
    ...(isLocal && { caFile }),
    ...(acme && { acme }),
    warnings,
  };
}
