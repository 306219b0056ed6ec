import assert from "node:assert/strict";
import { webcrypto, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { rootCertificates } from "node:tls";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { certificateConcerns } from "./certificate-concerns.ts";
import { TrustedRoots, trustedRoots } from "./trusted-roots.ts";

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 3_600_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

interface Made {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** A certificate by an issuer, or self-signed; `names` of a leaf, none of a CA. */
async function make(subject: string, issuer?: Made, names: readonly string[] = [], days = 90): Promise<Made> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${subject}`,
      issuer: issuer?.certificate.subject ?? `CN=${subject}`,
      notBefore: new Date(NOW - DAY_MS),
      notAfter: new Date(NOW + days * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      signingAlgorithm: ALGORITHM,
      extensions:
        names.length === 0
          ? [new x509.BasicConstraintsExtension(true, undefined, true)]
          : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
    },
    webcrypto as never,
  );
  return { certificate, keys };
}

const pem = (...made: readonly Made[]) => made.map(({ certificate }) => certificate.toString("pem")).join("\n");

test("certificateConcerns: none where the chain leads to a CA that clients know and covers the name", async () => {
  const root = await make("root");
  const middle = await make("middle", root);
  const leaf = await make("leaf", middle, ["grpc.example.com", "*.wild.example.com"]);
  const roots = new TrustedRoots(["no certificate", pem(root)]);
  assert.deepEqual(certificateConcerns(pem(leaf, middle), "grpc.example.com", NOW, roots), []);
  assert.deepEqual(certificateConcerns(pem(leaf, middle), "*.wild.example.com", NOW, roots), []);
  const [alone] = certificateConcerns(pem(leaf), "grpc.example.com", NOW, roots);
  assert.match(alone ?? "", /does not lead to a CA that clients know \(issuer: CN=middle\)/);
  const impostor = await make("root");
  const [other] = certificateConcerns(pem(leaf, middle), "grpc.example.com", NOW, new TrustedRoots([pem(impostor)]));
  assert.match(other ?? "", /does not lead to a CA/, "a CA of the same name is another one");
});

test("certificateConcerns: names, self-signed, times", async () => {
  const root = await make("root");
  const roots = new TrustedRoots([pem(root)]);
  const selfSigned = await make("leaf", undefined, ["grpc.example.com"]);
  assert.match(
    certificateConcerns(pem(selfSigned), "grpc.example.com", NOW, roots).join(),
    /^the certificate is self-signed/,
  );
  const leaf = pem(await make("leaf", root, ["*.example.com"]));
  assert.match(certificateConcerns(leaf, "a.b.example.com", NOW, roots).join(), /^the certificate is not for a\.b/);
  assert.match(certificateConcerns(leaf, "*.b.example.com", NOW, roots).join(), /^the certificate is not for/);
  const at = (days: number) => certificateConcerns(leaf, "a.example.com", NOW + days * DAY_MS, roots).join();
  assert.equal(at(59), "");
  assert.match(at(61), /^the certificate ends soon, on 2026-08-30T/);
  assert.match(at(91), /^the certificate has expired on 2026-08-30T/);
  assert.match(at(-2), /^the certificate is not valid before 2026-05-31T/);
  const short = pem(await make("leaf", root, ["a.example.com"], 6));
  assert.equal(certificateConcerns(short, "a.example.com", NOW, roots).join(), "", "a third of a week is not soon");
});

test("trustedRoots knows every CA that Node.js ships, and no other", async () => {
  for (const root of rootCertificates.slice(0, 5)) assert.ok(trustedRoots().verifies(new X509Certificate(root), []));
  const unknown = new X509Certificate(pem(await make("unknown")));
  assert.equal(trustedRoots().verifies(unknown, []), false);
});
