import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { makeCertificate } from "../../control/testing/certificates.ts";
import { type TrustStore, trustStore } from "./trust-store.ts";

const { certificate: pem } = await makeCertificate(["a"]);
const ca = { path: "/data/tls/ca.pem", pem, certificate: new X509Certificate(pem) };
const fingerprint = ca.certificate.fingerprint256.replaceAll(":", "").slice(0, 16).toLowerCase();

function commandsOf(store: TrustStore | undefined, installed: readonly string[]) {
  const run = (steps: ReturnType<TrustStore["install"]>) =>
    steps.map((step) => (step.kind === "run" ? step.command.join(" ") : `${step.kind} ${step.path}`));
  return store && [run(store.install(ca)), run(store.remove(ca, installed))];
}

test("trustStore: each system's folder and commands; only Sluice's own files are removed", () => {
  const at = (directory: string) => trustStore("linux", (path) => path === directory);
  const others = ["other.crt", "other.pem", "sluice-local-ca-old.txt"];
  assert.deepEqual(commandsOf(at("/usr/local/share/ca-certificates"), ["sluice-local-ca-old.crt", ...others]), [
    [`write /usr/local/share/ca-certificates/sluice-local-ca-${fingerprint}.crt`, "update-ca-certificates"],
    ["delete /usr/local/share/ca-certificates/sluice-local-ca-old.crt", "update-ca-certificates --fresh"],
  ]);
  assert.deepEqual(commandsOf(at("/etc/pki/ca-trust/source/anchors"), ["sluice-local-ca-old.pem", ...others]), [
    [`write /etc/pki/ca-trust/source/anchors/sluice-local-ca-${fingerprint}.pem`, "update-ca-trust extract"],
    ["delete /etc/pki/ca-trust/source/anchors/sluice-local-ca-old.pem", "update-ca-trust extract"],
  ]);
  assert.deepEqual(commandsOf(at("/etc/ca-certificates/trust-source/anchors"), others)?.[1], []);
  assert.equal(at("/nowhere"), undefined);
  const keychain = commandsOf(
    trustStore("darwin", () => false),
    [],
  );
  assert.match(
    keychain?.[0]?.join() ?? "",
    /^security add-trusted-cert -d -r trustRoot -k .*System\.keychain \/data\/tls\/ca\.pem$/,
  );
  assert.match(keychain?.[1]?.[1] ?? "", /^security delete-certificate -Z [0-9A-F]{40} /);
});
