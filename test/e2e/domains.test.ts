/** A host name of the user's own, with a certificate of the user's own. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { makeCertificate } from "../../src/control/testing/certificates.ts";
import { loadOrCreateLocalCa } from "../../src/gateway/gateway.ts";
import {
  assertMatrix,
  dashed,
  folderOf,
  goMissing,
  missingPart,
  runJob,
  runMatrix,
  testPrograms,
} from "../support/clients.ts";
import { fc, sdkOf } from "../support/sdk.ts";
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

  test("wildcards, rewritten paths, names that Sluice gives, and what is not served: as they are called, and as info tells them", async () => {
    const { go } = await testPrograms();
    await using sluice = await Sluice.start();
    const domain = (domainName: string, more: object = {}) => ({
      domainName,
      protocol: "HTTPS",
      routeConfigs: [{ path: "/*" }],
      ...more,
    });
    const rewriteConfig = { wildcardRules: [{ match: "^/v1/*", replacement: "/$1" }] };
    await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./echo"] } },
      customDomains: [
        domain("*.tenant.example"),
        domain("api.example", {
          routeConfigs: [
            { path: "/v1/*", rewriteConfig },
            { path: "/v1/test.Echo/Plain" },
            { path: "/short", rewriteConfig: { equalRules: [{ match: "/short", replacement: "/test.Echo/Unary" }] } },
          ],
        }),
        domain("plain.example", { protocol: "HTTP" }),
        domain("auto"),
      ],
    });
    const own = await readFile(sluice.endpoint.caFile, "utf8");
    const ofDomains = await readFile(join(sluice.dataDir, "tls", "domains-ca.pem"), "utf8");
    const told = await sluice.ok(["info"]);
    const auto =
      /domain (echo-test-[a-z]{10}\.local\.fcapp\.localhost), certificate: Sluice's own/.exec(told)?.[1] ?? "";
    assert.match(told, /domain plain\.example\n +warning: protocol HTTP is not served/);
    assert.match(
      told,
      /domain api\.example, certificate: of the local CA of custom domains to 20.*\n +warning: .*domains-ca\.pem/,
    );

    const cases: [authority: string, path: string, ca: string, end: RegExp][] = [
      ["a.tenant.example", "/test.Echo/Unary", ofDomains, /^0 /],
      ["b.tenant.example", "/test.Echo/Unary", ofDomains, /^0 /],
      ["api.example", "/v1/test.Echo/Unary", ofDomains, /^0 /],
      ["api.example", "/short", ofDomains, /^0 /],
      // The exact route goes before the one with rules: the function is asked for what it does not have.
      ["api.example", "/v1/test.Echo/Plain", ofDomains, /^12 unknown service v1\/test\.Echo/],
      ["api.example", "/test.Echo/Unary", ofDomains, /^12 no route for path \/test\.Echo\/Unary/],
      [auto, "/test.Echo/Unary", own, /^0 /],
      // Shown Sluice's own certificate, which covers neither.
      ["plain.example", "/test.Echo/Unary", own, /does not match certificate's altnames/],
      ["tenant.example", "/test.Echo/Unary", own, /does not match certificate's altnames/],
    ];
    for (const [authority, path, ca, end] of cases) {
      assert.match(await endOfCall(sluice, authority, path, ca), end, `${authority} ${path}`);
    }

    await sluice.ok([
      "remove",
      "-t",
      await sluice.writeSpecification({ name: "echo", codeUri: folderOf(go.echo) }),
      "-y",
    ]);
    assert.match(await endOfCall(sluice, auto, "/test.Echo/Unary", own), /^12 no route for host/);
  });

  test("gRPC's Python client, which verifies with BoringSSL, takes a certificate of the local CA of custom domains", async (t) => {
    const { go, pythonClient, pythonMissing } = await testPrograms();
    const missing = missingPart(pythonMissing);
    if (missing || pythonClient === undefined) {
      t.skip(missing || "no Python client");
      return;
    }
    await using sluice = await Sluice.start();
    const info = await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./echo"] } },
      customDomains: [{ domainName: "*.tenant.example", protocol: "HTTPS", routeConfigs: [{ path: "/*" }] }],
    });
    const caFile = join(sluice.dataDir, "tls", "domains-ca.pem");
    const flags = ["-addr", sluice.endpoint.grpcAddress, "-authority", "grpc.tenant.example", "-cafile", caFile];
    assertMatrix(await runMatrix(pythonClient.command, dashed(flags)));
    assert.equal((await runJob(sluice, info, {}, flags)).codes["OK"], 1, "and Go's does");
  });

  test("what the API has answered is in force for the very next connection and call", async () => {
    const { go } = await testPrograms();
    await using sluice = await Sluice.start();
    await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./echo"] } },
    });
    const sdk = await sdkOf(sluice);
    const domainName = "grpc.tenant.example";
    const pairs = await Promise.all([makeCertificate([domainName]), makeCertificate([domainName])]);
    const certConfigOf = (turn: number) => new fc.CertConfig({ certName: "c", ...pairs[turn % 2] });
    const routes = [new fc.PathConfig({ path: "/*", serviceName: "test", functionName: "echo" })];
    const routeConfig = new fc.RouteConfig({ routes });
    const call = (turn: number) =>
      endOfCall(sluice, domainName, "/test.Echo/Unary", pairs[turn % 2]?.certificate ?? "");
    const methods = (...allowed: string[]) =>
      sdk.updateTrigger(
        "test",
        "echo",
        "http",
        new fc.UpdateTriggerRequest({ triggerConfig: JSON.stringify({ authType: "anonymous", methods: allowed }) }),
      );
    const certConfig = certConfigOf(0);
    const wanted = { domainName, protocol: "HTTPS", routeConfig, certConfig };
    for (let turn = 0; turn < 6; turn++) {
      if (turn === 0) await sdk.createCustomDomain(new fc.CreateCustomDomainRequest(wanted));
      else
        await sdk.updateCustomDomain(domainName, new fc.UpdateCustomDomainRequest({ certConfig: certConfigOf(turn) }));
      // Trusting that certificate alone.
      assert.match(await call(turn), /^0 /, `certificate ${turn}`);
      await methods("GET");
      assert.match(await call(turn), /^12 the http trigger of test\/echo does not allow POST/);
      await methods("POST");
      assert.match(await call(turn), /^0 /);
    }
    await sdk.deleteCustomDomain(domainName);
    assert.match(await call(1), /altnames|self-signed|unable to/);
  });
});

/** One call over a connection of its own, verified against `ca`: grpc-status and message, or why there was none. */
async function endOfCall(sluice: Sluice, authority: string, path: string, ca: string): Promise<string> {
  const [host = "", port] = sluice.endpoint.grpcAddress.split(":");
  const tls = { host, port: Number(port), servername: authority, ca, ALPNProtocols: ["h2"] };
  const session = connect(`https://${authority}`, { createConnection: () => connectTls(tls) });
  try {
    return await new Promise((resolve) => {
      session.on("error", ({ message }) => resolve(message));
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const told = (end: IncomingHttpHeaders) => {
        const status = end["grpc-status"];
        if (status !== undefined) resolve(`${status} ${decodeURIComponent(String(end["grpc-message"] ?? ""))}`);
      };
      stream.on("error", ({ message }) => resolve(message));
      stream.on("response", told).on("trailers", told).resume();
      // An empty message, length-prefixed.
      stream.end(Buffer.alloc(5));
    });
  } finally {
    session.destroy();
  }
}
