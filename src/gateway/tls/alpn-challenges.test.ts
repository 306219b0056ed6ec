import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { GatewayBench, HOST, statusOf } from "../testing/gateway-bench.ts";
import { echo, LocalDriver } from "../testing/local-function.ts";
import { issueDomainCertificate } from "./domains-ca.ts";

test("an open challenge is answered to who asks for acme-tls/1 and for its host; others see what they always do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-challenge-"));
  try {
    await using bench = await GatewayBench.start(LocalDriver.http2(echo));
    const host = "grpc.tenant.example";
    const proof = await issueDomainCertificate(join(folder, "proof.pem"), host, Date.now());
    const shownTo = (more: ConnectionOptions) =>
      new Promise<string>((resolve) => {
        const socket = connect({ ...bench.clientTls(), rejectUnauthorized: false, servername: host, ...more });
        socket.once("secureConnect", () => {
          resolve(`${socket.alpnProtocol} ${socket.getPeerX509Certificate()?.serialNumber}`);
          socket.end();
        });
        socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "closed"));
        socket.once("close", () => resolve("closed"));
      });
    const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;
    const asking = { ALPNProtocols: ["acme-tls/1"] };
    const closed = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
    assert.equal(await shownTo(asking), closed);

    bench.gateway.putChallenge({ kind: "challenge", host, ...proof });
    assert.equal(await shownTo(asking), `acme-tls/1 ${serialOf(proof.certificatePem)}`);
    assert.equal(await shownTo({}), `h2 ${serialOf(bench.ca.namedCertificate.certificatePem)}`);
    const before = bench.gateway.refusals.counts()["tls_handshake"] ?? 0;
    assert.match(await shownTo({ ...asking, servername: "other.tenant.example" }), /^ECONNRESET|^closed/);
    assert.ok((bench.gateway.refusals.counts()["tls_handshake"] ?? 0) > before, "which is counted");
    assert.equal(statusOf(await bench.call(await bench.client(), { ":authority": HOST })).status, "0");

    bench.gateway.deleteChallenge(host);
    assert.equal(await shownTo(asking), closed);
    bench.gateway.putChallenge({ kind: "challenge", host, certificatePem: "none", privateKeyPem: "none" });
    assert.equal(bench.errors.length, 1);
    assert.equal(await shownTo(asking), closed);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
