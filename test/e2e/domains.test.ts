/** A host name of the user's own, with a certificate of the user's own. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { loadOrCreateLocalCa } from "../../src/gateway/gateway.ts";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { Sluice } from "../support/sluice.ts";

describe("custom domains", { skip: goMissing }, () => {
  test("s.yaml names certificate files beside it; a client that trusts their CA alone calls the function by the domain", async () => {
    const { go } = await testPrograms();
    const folder = await mkdtemp(join(tmpdir(), "sluice-domain-"));
    try {
      const ca = await loadOrCreateLocalCa(folder, { zone: "tenant.example", hosts: [] }, Date.now());
      await using sluice = await Sluice.start();
      const wanted = {
        name: "echo",
        codeUri: folderOf(go.echo),
        function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./echo"] } },
        customDomains: [
          {
            domainName: "grpc.tenant.example",
            protocol: "HTTPS",
            routeConfigs: [{ path: "/*" }],
            certConfig: { certName: "tenant", certificate: "./tls/tenant.pem", privateKey: "tls/tenant.key" },
          },
        ],
      };
      const tls = join(dirname(await sluice.writeSpecification(wanted)), "tls");
      await mkdir(tls);
      await writeFile(join(tls, "tenant.pem"), ca.namedCertificate.certificatePem);
      await writeFile(join(tls, "tenant.key"), ca.namedCertificate.privateKeyPem);
      const info = await sluice.deploy(wanted);

      const { grpcAddress, caFile } = sluice.endpoint;
      const trusting = (ca: string) => ["-addr", grpcAddress, "-authority", "grpc.tenant.example", "-cafile", ca];
      const report = await runJob(sluice, info, { calls: 5 }, trusting(ca.caFile));
      assert.deepEqual(report.codes, { OK: 5 }, JSON.stringify(report.errors));
      const own = await runJob(sluice, info, {});
      assert.deepEqual(own.codes, { OK: 1 }, "its generated name works beside it");
      const distrusted = await runJob(sluice, info, { deadlineMs: 5000 }, trusting(caFile));
      assert.deepEqual(distrusted.codes, { UNAVAILABLE: 1 }, "the certificate shown is the tenant's");

      await sluice.ok(["remove", "-t", await sluice.writeSpecification(wanted), "-y"]);
      const gone = await runJob(sluice, info, { deadlineMs: 5000 }, trusting(ca.caFile));
      assert.deepEqual(gone.codes, { UNAVAILABLE: 1 }, "without the domain its certificate is shown no more");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
