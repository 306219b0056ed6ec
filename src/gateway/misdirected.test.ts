/** Which authorities a connection serves, by what was shown on it: docs/decisions/0005-misdirected.md. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { ClientHttp2Session } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { loadOrCreateLocalCa } from "./gateway.ts";
import { GatewayBench, HOST, KEY, statusOf } from "./testing/gateway-bench.ts";
import { echo, LocalDriver } from "./testing/local-function.ts";

const SIBLING = "other-s-abcdefghij.local.fcapp.localhost";
const DEEPER = "a.b.local.fcapp.localhost";
const TENANT = "grpc.tenant.example";
const TENANT_SIBLING = "api.tenant.example";
/** A custom domain for which nobody gave a certificate: the client is shown Sluice's own. */
const BARE = "bare.example";

/** A bench with two generated hosts, two custom domains under one wildcard certificate, one without any. */
async function benchWithDomains(hosts: readonly string[] = ["127.0.0.1"]): Promise<GatewayBench> {
  const bench = await GatewayBench.start(LocalDriver.http2(echo), {}, { hosts });
  const folder = mkdtempSync(join(tmpdir(), "sluice-tenant-"));
  const tenant = await loadOrCreateLocalCa(folder, { zone: "tenant.example", hosts: [] }, Date.now());
  rmSync(folder, { recursive: true });
  for (const host of [SIBLING, DEEPER, TENANT, TENANT_SIBLING, BARE]) {
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
  bench.gateway.putCertificate({ kind: "certificate", host: TENANT, ...tenant.namedCertificate });
  return bench;
}

function clientOf(bench: GatewayBench, servername: string | undefined): Promise<ClientHttp2Session> {
  return bench.client(() => connectTls({ ...bench.clientTls(servername), rejectUnauthorized: false }));
}

/** What was asked for by SNI, the authority of the call, and whether it is served. */
const CASES: readonly (readonly [servername: string | undefined, authority: string, served: boolean])[] = [
  [HOST, HOST, true],
  [HOST, `${HOST}:8089`, true],
  [HOST, `${HOST.toUpperCase()}.:443`, true],
  [HOST.toUpperCase(), HOST, true],
  // The wildcard covers every generated name, and one label alone (RFC 9525 §6.3).
  [HOST, SIBLING, true],
  [HOST, DEEPER, false],
  [DEEPER, DEEPER, true],
  [HOST, TENANT, false],
  [HOST, BARE, false],
  // The certificate for names holds no addresses (0007-two-certificates.md).
  [HOST, "localhost:8089", true],
  [HOST, "127.0.0.1", false],
  [TENANT, TENANT, true],
  [TENANT, `${TENANT.toUpperCase()}:8089`, true],
  [TENANT, HOST, false],
  [TENANT, "127.0.0.1", false],
  // Connections may be shared where one certificate covers both (RFC 9113 §9.1.1).
  [TENANT, TENANT_SIBLING, true],
  // Shown the certificate for names of ours, by a client that does not verify, or trusts it for this.
  [TENANT_SIBLING, TENANT_SIBLING, true],
  [TENANT_SIBLING, TENANT, false],
  [BARE, BARE, true],
  [BARE, HOST, true],
  // Without a name the default certificate is shown, with names and addresses.
  [undefined, HOST, true],
  [undefined, "127.0.0.1:8089", true],
  [undefined, "[::1]:8089", true],
  [undefined, "localhost", true],
  [undefined, TENANT, false],
  [undefined, BARE, false],
  [undefined, "192.0.2.7:8089", false],
];

test("a call is served where the certificate shown covers its authority or was asked for by it, else it is Misdirected", async () => {
  await using bench = await benchWithDomains();
  const sessions = new Map<string | undefined, ClientHttp2Session>();
  for (const [servername, authority, served] of CASES) {
    const session = sessions.get(servername) ?? (await clientOf(bench, servername));
    sessions.set(servername, session);
    const { status, errorType, message } = statusOf(await bench.call(session, { ":authority": authority }));
    const what = `${servername ?? "no name"} -> ${authority}: ${message}`;
    assert.deepEqual([status, errorType], served ? ["0", undefined] : ["14", "Misdirected"], what);
  }
});

test("an authority that is the very address dialled is served, though the certificate does not hold it", async () => {
  await using bench = await benchWithDomains(["127.0.0.1", "127.0.0.2"]);
  const client = await bench.client(() =>
    connectTls({ ...bench.clientTls(), host: "127.0.0.2", rejectUnauthorized: false }),
  );
  assert.equal(statusOf(await bench.call(client, { ":authority": "127.0.0.2:8089" })).status, "0");
  assert.equal(statusOf(await bench.call(client, { ":authority": "127.0.0.3:8089" })).errorType, "Misdirected");
});

test("what is not gRPC is told of a wrong connection by HTTP's 421, in words", async () => {
  await using bench = await benchWithDomains();
  const client = await clientOf(bench, HOST);
  const answer = await bench.call(client, { ":authority": TENANT, "content-type": "application/json" });
  assert.equal(answer.head[":status"], "421");
  assert.match(answer.body.toString(), new RegExp(`asked for ${HOST}\\) does not cover ${TENANT}`));
});

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`${version}: a session is resumed for the name it was made for, and for no other`, async () => {
    await using bench = await benchWithDomains();
    const names = [undefined, HOST, SIBLING, TENANT, TENANT_SIBLING] as const;
    for (const from of names) {
      for (const to of names) {
        const options = { rejectUnauthorized: false, minVersion: version, maxVersion: version } as const;
        const first = connectTls({ ...bench.clientTls(from), ...options });
        const [session] = (await once(first, "session")) as [Buffer];
        const second = connectTls({ ...bench.clientTls(to), ...options, session });
        await once(second, "secureConnect");
        assert.equal(second.isSessionReused(), from === to, `${from ?? "no name"} -> ${to ?? "no name"}`);
        first.destroy();
        second.destroy();
      }
    }
  });
}
