import { join } from "node:path";
import { systemClock } from "../base/base.ts";
import type { ControlPlaneOptions } from "../control/control.ts";

/** The local CA of custom domains, in the control plane's thread; its code is loaded with the first certificate. */
export function openDomainCa(directory: string): ControlPlaneOptions["domainCa"] {
  const caFile = join(directory, "domains-ca.pem");
  return {
    caFile,
    async issue(domainName) {
      const { issueDomainCertificate } = await import("../gateway/gateway.ts");
      const pair = await issueDomainCertificate(caFile, domainName, systemClock.epochMs());
      return { certificate: pair.certificatePem, privateKey: pair.privateKeyPem };
    },
  };
}
