import type { AcmeSettings } from "../options.ts";

/** Why a domain cannot have a certificate by ACME, as "expected ..."; undefined where it can. */
export function acmeFaultOf(settings: AcmeSettings | undefined, domainName: string): string | undefined {
  if (settings === undefined) {
    return "a certificate, since no ACME server is configured (acmeDirectoryUrl and acmeTermsAgreed in config.yaml)";
  }
  // RFC 8555 §8.3, RFC 8737 §3: neither challenge proves anything of other names below a domain.
  if (domainName.startsWith("*.")) {
    return `a certificate, since the challenge ${settings.challenge} gives none for a wildcard domain`;
  }
  return undefined;
}
