/** What becomes of calls when TLS changes or breaks under them. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { type LocalCa, loadOrCreateLocalCa } from "./gateway.ts";
import { GatewayBench, HOST, KEY, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver } from "./testing/local-function.ts";

test("a connection whose TLS is broken after the handshake is closed, and its call reaches the function as a cancel", async () => {
  const { driver, next } = holding();
  await using bench = await GatewayBench.start(driver);
  const raw = connect(bench.gateway.port, "127.0.0.1");
  const session = await bench.client(() => connectTls({ ...bench.clientTls(HOST), socket: raw }));
  const arrived = next();
  bench.open(session).write(MESSAGE);
  const stream = await arrived;
  const cancelled = once(stream, "close");
  // A record of application data that nobody with the keys can have made (RFC 8446 §5.2: bad_record_mac).
  raw.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 32]), Buffer.alloc(32, 1)]));
  await cancelled;
  assert.equal(stream.rstCode, 8);
  assert.equal(bench.gateway.clientCount, 0);
  assert.equal(bench.ended[0]?.cause?.errorType, "ClientCancelled");
  raw.destroy();
});

/** Certificates of one CA, each newly made, for names below `zone`. */
async function certificatesOf(directory: string, zone: string, count: number): Promise<LocalCa[]> {
  const made: LocalCa[] = [];
  for (let i = 0; i < count; i++) {
    for (const name of ["default", "named"]) rmSync(join(directory, `${name}.pem`), { force: true });
    made.push(await loadOrCreateLocalCa(directory, { zone, hosts: [] }, Date.now()));
  }
  return made;
}

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

test("certificates that change every 100 ms under load fail no call; new handshakes see the new one, old connections live", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const folder = mkdtempSync(join(tmpdir(), "sluice-tenant-"));
  const tenants = await certificatesOf(folder, "tenant.example", 20);
  const own = await certificatesOf(dirname(bench.ca.caFile), "local.fcapp.localhost", 20);
  const tenantCa = readFileSync(tenants[0]?.caFile ?? "");
  rmSync(folder, { recursive: true });
  const domain = "grpc.tenant.example";
  putDomain(bench, domain);

  let current = 0;
  const rotate = () => {
    bench.gateway.setCertificates(own[current] as LocalCa);
    bench.gateway.putCertificate({
      kind: "certificate",
      host: domain,
      ...(tenants[current] as LocalCa).namedCertificate,
    });
  };
  rotate();

  const statuses = new Map<string | undefined, number>();
  const callOn = async (session: ClientHttp2Session, authority: string) => {
    const body = Buffer.alloc(30_000, 7);
    const answer = await bench.call(session, { ":authority": authority }, body);
    const { status } = statusOf(answer);
    assert.ok(answer.body.equals(body));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  let handshakes = 0;
  let isOver = false;
  /** Connects anew for each call; what is shown is one of the certificates in force meanwhile. */
  const newcomer = async (servername: string | undefined, shownOf: (index: number) => string) => {
    while (!isOver) {
      const first = current;
      const ca = servername === domain ? tenantCa : readFileSync(bench.ca.caFile);
      const socket = connectTls({ ...bench.clientTls(servername), ca });
      const session = await bench.client(() => socket);
      const inForce = own.slice(first, current + 1).map((_, index) => shownOf(first + index));
      assert.ok(inForce.includes(socket.getPeerX509Certificate()?.fingerprint256 ?? ""), `${servername} at ${current}`);
      await callOn(session, servername ?? "127.0.0.1");
      session.close();
      handshakes += 1;
    }
  };
  const veteran = async (session: ClientHttp2Session) => {
    while (!isOver) await callOn(session, HOST);
    assert.equal(session.closed, false);
  };
  const load = [
    veteran(await bench.client()),
    veteran(await bench.client()),
    newcomer(HOST, (index) => fingerprintOf(own[index]?.namedCertificate.certificatePem ?? "")),
    newcomer(domain, (index) => fingerprintOf(tenants[index]?.namedCertificate.certificatePem ?? "")),
    newcomer(undefined, (index) => fingerprintOf(own[index]?.defaultCertificate.certificatePem ?? "")),
  ];
  for (current = 1; current < own.length; current++) {
    rotate();
    await wait(100);
  }
  current -= 1;
  isOver = true;
  await Promise.all(load);
  assert.deepEqual([...statuses.keys()], ["0"]);
  assert.ok(handshakes >= 20, `${handshakes} handshakes`);
  assert.deepEqual(bench.errors, []);
});

test("a certificate that cannot be used is logged, and the one before stays", async () => {
  await using bench = await GatewayBench.start(LocalDriver.http2(echo));
  const folder = mkdtempSync(join(tmpdir(), "sluice-tenant-"));
  const [good, other] = (await certificatesOf(folder, "tenant.example", 2)) as [LocalCa, LocalCa];
  rmSync(folder, { recursive: true });
  const domain = "grpc.tenant.example";
  putDomain(bench, domain);
  const put = (certificatePem: string, privateKeyPem: string) =>
    bench.gateway.putCertificate({ kind: "certificate", host: domain, certificatePem, privateKeyPem });
  const { certificatePem, privateKeyPem } = good.namedCertificate;
  put(certificatePem, privateKeyPem);
  put(other.namedCertificate.certificatePem, privateKeyPem);
  put("no certificate", privateKeyPem);
  put(certificatePem, "no key");
  assert.equal(bench.errors.length, 3);
  const ownCertificates = {
    defaultCertificate: good.defaultCertificate,
    namedCertificate: { certificatePem, privateKeyPem: "" },
  };
  assert.throws(() => bench.gateway.setCertificates(ownCertificates));

  const shown = async (servername?: string) => {
    const socket = connectTls({ ...bench.clientTls(servername), rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerX509Certificate() as X509Certificate;
    socket.destroy();
    return fingerprint256;
  };
  assert.equal(await shown(domain), fingerprintOf(certificatePem));
  assert.equal(await shown(HOST), fingerprintOf(bench.ca.namedCertificate.certificatePem));
  assert.equal(await shown(), fingerprintOf(bench.ca.defaultCertificate.certificatePem));
});

function putDomain(bench: GatewayBench, host: string): void {
  bench.gateway.putRoute({
    kind: "route",
    host,
    path: "/*",
    function: KEY,
    methods: ["POST"],
    authType: "anonymous",
    internetUrlDisabled: false,
    origin: "customDomain",
  });
}
