import { X509Certificate } from "node:crypto";
import { type TrustedRoots, trustedRoots } from "./trusted-roots.ts";

const DAY_MS = 24 * 3_600_000;
/** Said this long before the end, or a third of the certificate's life where that is shorter. */
const SOON_MS = 30 * DAY_MS;

/** What clients will not like about a certificate, one sentence each. `nowAt` in epoch milliseconds. */
export function certificateConcerns(
  pem: string,
  domainName: string,
  nowAt: number,
  roots: TrustedRoots = trustedRoots(),
): string[] {
  const [leaf, ...chain] = certificatesIn(pem);
  if (leaf === undefined) return [];
  const concerns: string[] = [];
  if (!covers(leaf, domainName)) {
    const names = leaf.subjectAltName ?? leaf.subject;
    concerns.push(`the certificate is not for ${domainName} but for ${names.slice(0, 200)}: clients refuse it`);
  }
  if (leaf.checkIssued(leaf) && leaf.verify(leaf.publicKey)) {
    concerns.push("the certificate is self-signed: clients refuse it unless they are told to trust it");
  } else if (!roots.verifies(leaf, chain)) {
    const issuer = (chain.at(-1) ?? leaf).issuer.replaceAll("\n", ", ");
    concerns.push(
      `the certificate does not lead to a CA that clients know (issuer: ${issuer.slice(0, 200)}): append its intermediate ` +
        "certificates, or have clients trust that CA",
    );
  }
  const endsAt = leaf.validToDate.getTime();
  const beginsAt = leaf.validFromDate.getTime();
  if (beginsAt > nowAt) concerns.push(`the certificate is not valid before ${leaf.validFromDate.toISOString()}`);
  if (endsAt <= nowAt) concerns.push(`the certificate has expired on ${leaf.validToDate.toISOString()}`);
  else if (endsAt - nowAt < Math.min(SOON_MS, (endsAt - beginsAt) / 3)) {
    concerns.push(`the certificate ends soon, on ${leaf.validToDate.toISOString()}`);
  }
  return concerns;
}

/** Whether a client that verifies names accepts it; a wildcard covers any one label. */
function covers(leaf: X509Certificate, domainName: string): boolean {
  return leaf.checkHost(domainName.replace(/^\*\./, "any.")) !== undefined;
}

/** The leaf and what follows it; what cannot be read is left out. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
