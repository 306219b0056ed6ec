import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { issueDomainCertificate } from "./domains-ca.ts";
import { loadOrCreateLocalCa } from "./local-ca.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-ca-"));
after(() => rmSync(directory, { recursive: true }));

const NAMES = { zone: "local.fcapp.localhost", hosts: ["192.0.2.7"] };
const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 3_600_000;

test("loadOrCreateLocalCa() makes a name-constrained CA and a certificate that clients verify for every name and address", async () => {
  const ca = await loadOrCreateLocalCa(join(directory, "verify"), NAMES, Date.now());
  const pem = readFileSync(ca.caFile, "utf8");
  const server = createServer({ cert: ca.defaultCertificate.certificatePem, key: ca.defaultCertificate.privateKeyPem });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    for (const servername of ["a-b-x.local.fcapp.localhost", "local.fcapp.localhost", "localhost"]) {
      await verified(connect({ port, host: "127.0.0.1", ca: pem, servername }));
    }
    await verified(connect({ port, host: "127.0.0.1", ca: pem }));
    await assert.rejects(verified(connect({ port, host: "127.0.0.1", ca: pem, servername: "example.com" })));
  } finally {
    server.close();
  }
  const leaf = new X509Certificate(ca.defaultCertificate.certificatePem);
  assert.ok(leaf.checkIP("::1"));
  assert.ok(leaf.checkIP("192.0.2.7"));
  const named = new X509Certificate(ca.namedCertificate.certificatePem);
  assert.ok(named.checkHost("a-b-x.local.fcapp.localhost"));
  assert.doesNotMatch(named.subjectAltName ?? "", /IP Address/);
});

async function verified(socket: TLSSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  socket.destroy();
}

test("issueDomainCertificate() gives any name a certificate of one CA of its own, which is not the local CA", async () => {
  const folder = join(directory, "domains");
  const local = await loadOrCreateLocalCa(folder, NAMES, NOW);
  const caFile = join(folder, "domains-ca.pem");
  const issued = [];
  for (const name of ["grpc.example.com", "*.example.org"])
    issued.push(await issueDomainCertificate(caFile, name, NOW));
  const ca = new X509Certificate(readFileSync(caFile, "utf8"));
  const leaves = issued.map(({ certificatePem }) => new X509Certificate(certificatePem));
  assert.deepEqual(
    leaves.map((leaf) => [leaf.checkIssued(ca), leaf.verify(ca.publicKey), leaf.subjectAltName]),
    [
      [true, true, "DNS:grpc.example.com"],
      [true, true, "DNS:*.example.org"],
    ],
  );
  assert.equal(statSync(join(folder, "domains-ca.key")).mode & 0o777, 0o600);
  assert.equal(new X509Certificate(readFileSync(local.caFile, "utf8")).verify(ca.publicKey), false);
});

test("loadOrCreateLocalCa() keeps keys from others, and keeps what it made until it is about to end", async () => {
  const folder = join(directory, "keep");
  const first = await loadOrCreateLocalCa(folder, NAMES, NOW);
  for (const key of ["ca.key", "default.key", "named.key"])
    assert.equal(statSync(join(folder, key)).mode & 0o777, 0o600);
  const again = await loadOrCreateLocalCa(folder, NAMES, NOW + 300 * DAY_MS);
  assert.deepEqual(again, first);
  const caBefore = readFileSync(first.caFile, "utf8");
  const renewed = await loadOrCreateLocalCa(folder, NAMES, first.renewAt + DAY_MS);
  assert.notEqual(renewed.defaultCertificate.certificatePem, first.defaultCertificate.certificatePem);
  assert.equal(readFileSync(first.caFile, "utf8"), caBefore);
});

test("loadOrCreateLocalCa() makes both anew when the names change, since the CA is bound to them", async () => {
  const folder = join(directory, "names");
  const first = await loadOrCreateLocalCa(folder, NAMES, NOW);
  const caBefore = readFileSync(first.caFile, "utf8");
  const second = await loadOrCreateLocalCa(folder, { ...NAMES, zone: "eu.example.test" }, NOW);
  assert.notEqual(readFileSync(second.caFile, "utf8"), caBefore);
  assert.ok(new X509Certificate(second.defaultCertificate.certificatePem).checkHost("f.eu.example.test"));
});
