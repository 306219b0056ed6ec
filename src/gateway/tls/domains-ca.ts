import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createAuthority, issueLeaf, loadAuthority } from "./authority.ts";
import type { CertificatePair } from "./certificate-store.ts";

/**
 * A certificate for a custom domain that has none, issued by the second local CA, which is made in `caFile` (its key
 * beside it) when the first one is. A custom domain can be any name, so that this CA is bound to none: whoever trusts it
 * trusts Sluice with every site. `sluice trust` therefore never installs it; it is for single clients
 * (docs/decisions/0021-certificates-of-domains.md).
 */
export async function issueDomainCertificate(
  caFile: string,
  domainName: string,
  nowEpochMs: number,
): Promise<CertificatePair> {
  mkdirSync(dirname(caFile), { recursive: true, mode: 0o700 });
  const files = { ca: caFile, caKey: caFile.replace(/\.pem$/, ".key") };
  const ca =
    (await loadAuthority(files, nowEpochMs)) ??
    (await createAuthority(files, "Sluice CA of custom domains", [], nowEpochMs));
  return issueLeaf(ca, [domainName], nowEpochMs);
}
