/** Certificates by ACME, from a real ACME server over loopback. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { Pebble } from "../support/pebble.ts";
import { eventually, Sluice, type TestFunction } from "../support/sluice.ts";

const GOOD = "grpc.tenant.example";
const ASTRAY = "astray.tenant.example";

interface DomainInfo {
  readonly domainName: string;
  readonly certificateSource?: string;
  readonly acme?: {
    readonly state: string;
    readonly problem?: string;
    readonly failures: number;
    readonly nextAt: number;
  };
  readonly warnings: readonly string[];
}

async function wanted(certName: string, ...names: readonly string[]): Promise<TestFunction> {
  const { go } = await testPrograms();
  return {
    name: "echo",
    codeUri: folderOf(go.echo),
    function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./echo"] } },
    customDomains: names.map((domainName) => ({
      domainName,
      protocol: "HTTPS",
      routeConfigs: [{ path: "/*" }],
      certConfig: { certName },
    })),
  };
}

function configuration({ directoryUrl, caFile, httpPort }: Pebble) {
  return {
    acmeDirectoryUrl: directoryUrl,
    acmeTermsAgreed: true,
    acmeContactEmail: "someone@tenant.example",
    acmeHttpHosts: ["127.0.0.1"],
    acmeHttpPort: httpPort,
    acmeCaFile: caFile,
  };
}

async function domainOf(sluice: Sluice, name: string): Promise<DomainInfo | undefined> {
  const [info] = JSON.parse(await sluice.ok(["info", "--json"])).functions as { domains: DomainInfo[] }[];
  return info?.domains.find(({ domainName }) => domainName === name);
}

/** A connection that asks for a name, verified against a CA. */
async function connected(sluice: Sluice, servername: string, ca?: string): Promise<TLSSocket> {
  const [host, port] = sluice.endpoint.grpcAddress.split(":");
  const socket = connect({
    host,
    port: Number(port),
    servername,
    ALPNProtocols: ["h2"],
    ca,
    rejectUnauthorized: ca !== undefined,
  });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket;
}

describe("certificates by ACME", { skip: goMissing }, () => {
  test("a domain that asks gets one, while an open stream goes on; one that leads elsewhere is told why and tried again", async () => {
    await using pebble = await Pebble.start();
    const folder = mkdtempSync(join(tmpdir(), "sluice-acme-"));
    try {
      await using sluice = await Sluice.start({ configuration: configuration(pebble) });
      const info = await sluice.deploy(await wanted("local", GOOD));
      const localCa = join(sluice.dataDir, "tls", "domains-ca.pem");
      const trusting = (ca: string) => ["-addr", sluice.endpoint.grpcAddress, "-authority", GOOD, "-cafile", ca];
      assert.deepEqual((await runJob(sluice, info, {}, trusting(localCa))).codes, { OK: 1 }, "the local CA's at first");

      // Both are open over the change of certificates.
      const veteran = await connected(sluice, GOOD);
      const before = veteran.getPeerX509Certificate()?.fingerprint256;
      let streamEnded = false;
      const long = { kind: "serverStream", metadata: { "x-repeat": "150", "x-interval-ms": "100" } } as const;
      const stream = runJob(sluice, info, long, trusting(localCa)).finally(() => {
        streamEnded = true;
      });
      await pebble.point(ASTRAY, "127.0.0.9");
      await sluice.deploy(await wanted("acme", GOOD, ASTRAY));
      const good = await eventually(
        "a certificate comes",
        async () => {
          const found = await domainOf(sluice, GOOD);
          return found?.acme?.state === "valid" && found;
        },
        30_000,
      );
      assert.equal(good.certificateSource, "acme");
      assert.ok(
        (good.acme?.nextAt ?? 0) > Date.now() + 55 * 24 * 3_600_000,
        "renewed when a third of its life is left",
      );

      const root = join(folder, "root.pem");
      writeFileSync(root, await pebble.rootPem());
      const report = await runJob(sluice, info, { calls: 5 }, trusting(root));
      assert.deepEqual(report.codes, { OK: 5 }, JSON.stringify(report.errors));
      const newcomer = await connected(sluice, GOOD, await pebble.rootPem());
      const shown = newcomer.getPeerX509Certificate()?.fingerprint256;
      assert.notEqual(shown, before);
      assert.equal(veteran.readyState, "open");
      assert.equal(streamEnded, false, "the stream was to outlive the change");
      for (const socket of [veteran, newcomer]) socket.destroy();

      const astray = await eventually(
        "the other one fails",
        async () => {
          const found = await domainOf(sluice, ASTRAY);
          return found?.acme?.state === "failing" && found;
        },
        30_000,
      );
      assert.deepEqual([astray.certificateSource, astray.acme?.failures], ["local", 1]);
      assert.match(astray.warnings.join(), /no certificate by ACME, 1 tries failed: .*127\.0\.0\.9.*next try: 20/);
      assert.match(await sluice.ok(["info"]), /domain astray\.tenant\.example, certificate: of the local CA/);
      for (const key of ["acme-account.key", "domains-ca.key"]) {
        assert.equal(statSync(join(sluice.dataDir, "tls", key)).mode & 0o777, 0o600);
      }

      const wildcard = await sluice.cli([
        "deploy",
        "-t",
        await sluice.writeSpecification(await wanted("acme", "*.tenant.example")),
      ]);
      assert.match(
        wildcard.stderr,
        /certConfig\.certName: expected a certificate, since the challenge http-01 gives none/,
      );
      // A redeploy neither asks again nor changes what is shown.
      await sluice.deploy(await wanted("acme", GOOD));
      const again = await connected(sluice, GOOD, await pebble.rootPem());
      assert.equal(again.getPeerX509Certificate()?.fingerprint256, shown);
      again.destroy();
      const streamed = await stream;
      assert.deepEqual([streamed.codes, streamed.messages], [{ OK: 1 }, 150], JSON.stringify(streamed.errors));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("with tls-alpn-01 the gRPC port itself proves the name, between calls that go on; without a challenge it knows no acme-tls/1", async () => {
    await using pebble = await Pebble.start();
    await using sluice = await Sluice.start({
      configuration: { ...configuration(pebble), acmeChallenge: "tls-alpn-01" },
      args: ["--grpc-port", String(pebble.tlsPort)],
    });
    const info = await sluice.deploy(await wanted("local", GOOD));
    const load = runJob(sluice, info, { durationMs: 4000, workers: 2, connections: 2, ratePerSecond: 20 });
    await sluice.deploy(await wanted("acme", GOOD));
    await eventually(
      "a certificate comes",
      async () => (await domainOf(sluice, GOOD))?.acme?.state === "valid",
      30_000,
    );
    (await connected(sluice, GOOD, await pebble.rootPem())).destroy();
    const report = await load;
    assert.deepEqual(Object.keys(report.codes), ["OK"], JSON.stringify(report.errors));
    const [host, port] = sluice.endpoint.grpcAddress.split(":");
    const prober = connect({ host, port: Number(port), servername: GOOD, ALPNProtocols: ["acme-tls/1"] });
    const why = await new Promise<NodeJS.ErrnoException>((resolve) => prober.once("error", resolve));
    assert.equal(why.code, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  });
});
