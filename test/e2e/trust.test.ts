/** `sluice trust` on a real trust store: Debian's, copied, in a mount namespace. This machine's own is never touched. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { folderOf, goMissing, missingPart, testPrograms } from "../support/clients.ts";
import { runCommand, Sluice } from "../support/sluice.ts";

const LOCAL_STORE = "/usr/local/share/ca-certificates";
const launcher = join(import.meta.dirname, "..", "..", "bin", "sluice.js");

/** Root, or root of a user namespace, in a mount namespace. */
const UNSHARE = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-rm"];

const storeMissing = missingPart(
  [
    [...UNSHARE, "true"],
    ["sh", "-c", "command -v update-ca-certificates || test -x /usr/sbin/update-ca-certificates"],
    ["openssl", "version"],
  ]
    .map(([program = "", ...args]) => spawnSync(program, args).status === 0)
    .every(Boolean)
    ? undefined
    : "a mount namespace with Debian's trust store cannot be made (apt-get install ca-certificates openssl util-linux)",
);

/** Runs a script where copies stand in place of the trust store's folders. */
function inCopiedStore(folder: string, script: string, writable = true) {
  const ssl = join(folder, "ssl");
  const local = join(folder, "local");
  const setUp = [
    "set -e",
    "mount --make-rprivate /",
    `mount --bind ${ssl} /etc/ssl`,
    `mount --bind ${local} ${LOCAL_STORE}`,
    ...(writable ? [] : [`mount -o remount,bind,ro ${LOCAL_STORE}`]),
    script,
  ];
  const [program = "", ...args] = UNSHARE;
  return runCommand(program, [...args, "sh", "-c", setUp.join("\n")], { env: { ...process.env, SLUICE_ENDPOINT: "" } });
}

describe("sluice trust", { skip: goMissing || storeMissing }, () => {
  test("clients that use the system's store verify Sluice after it, and do not after --remove", async () => {
    const { go } = await testPrograms();
    const folder = mkdtempSync(join(tmpdir(), "sluice-trust-"));
    const ownStore = readdirSync(LOCAL_STORE);
    try {
      execFileSync("cp", ["-a", "/etc/ssl", join(folder, "ssl")]);
      execFileSync("cp", ["-a", LOCAL_STORE, join(folder, "local")]);
      await using sluice = await Sluice.start();
      const info = await sluice.deploy({
        name: "echo",
        codeUri: folderOf(go.echo),
        function: { customRuntimeConfig: { command: ["./echo"] } },
      });
      writeFileSync(join(folder, "job.json"), "{}");
      const { grpcAddress } = sluice.endpoint;
      const trust = `${process.execPath} ${launcher} trust --data ${sluice.dataDir}`;
      const call = `${go.client} -addr ${grpcAddress} -authority ${info.host} run < ${folder}/job.json`;
      const openssl = `openssl s_client -connect ${grpcAddress} -servername ${info.host} -verify_return_error -alpn h2 < /dev/null`;

      const script = [
        `${call} > ${folder}/before.json`,
        trust,
        `${call} > ${folder}/trusted.json`,
        `${openssl} > ${folder}/openssl.txt 2>&1`,
        `${trust} --remove`,
        `${call} > ${folder}/removed.json`,
        `${trust} --remove --json`,
      ];
      const { code, stdout, stderr } = await inCopiedStore(folder, script.join("\n"));
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /Wrote .*\/sluice-local-ca-[0-9a-f]{16}\.crt\nRan update-ca-certificates\n.*holds Sluice local CA [0-9a-f]+ now\n/,
      );
      assert.match(stderr, /Removed .*\.crt\nRan update-ca-certificates --fresh\n.*holds no CA of Sluice's any more\n/);
      assert.match(stdout, /Clients that use the system's store trust it from now on/);
      assert.match(stdout, /"Nothing of Sluice's is in Debian's trust store/);
      const codes = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")).codes;
      assert.deepEqual(codes("before"), { UNAVAILABLE: 1 });
      assert.deepEqual(codes("trusted"), { OK: 1 });
      assert.deepEqual(codes("removed"), { UNAVAILABLE: 1 });
      assert.match(readFileSync(join(folder, "openssl.txt"), "utf8"), /Verify return code: 0 \(ok\)/);
      assert.deepEqual(readdirSync(join(folder, "local")), ownStore);
      assert.deepEqual(readdirSync(LOCAL_STORE), ownStore, "this machine's own store is as it was");

      const denied = await inCopiedStore(folder, trust, false);
      assert.equal(denied.code, 1);
      assert.match(
        denied.stderr,
        /^sluice: cannot change \/usr\/local\/share.*: this needs root, for instance 'sudo sluice trust --data /,
      );

      // The CA of custom domains can vouch for any name.
      await sluice.deploy({
        name: "echo",
        codeUri: folderOf(go.echo),
        function: { customRuntimeConfig: { command: ["./echo"] } },
        customDomains: [{ domainName: "grpc.tenant.example", protocol: "HTTPS", routeConfigs: [{ path: "/*" }] }],
      });
      const domainsCa = join(sluice.dataDir, "tls", "domains-ca.pem");
      const refused = await inCopiedStore(folder, `SLUICE_CA_FILE=${domainsCa} ${process.execPath} ${launcher} trust`);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /can vouch for any name: .* so it is not installed/);
      assert.deepEqual(readdirSync(join(folder, "local")), ownStore);

      const printed = await sluice.ok(["trust", "--print"]);
      const caFile = join(sluice.dataDir, "tls", "ca.pem");
      for (const client of ["Go", "Python", "Node.js", "Java", "grpcurl"]) {
        const line = printed.split("\n").find((each) => each.startsWith(`${client} `));
        assert.ok(line?.includes(caFile), `${client}: ${line}`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("without a CA it says where one comes from", async () => {
    const { code, stderr } = await runCommand(process.execPath, [launcher, "trust", "--data", "/nowhere"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^sluice: cannot read the local CA: ENOENT.*it is made when Sluice starts; name the data directory/,
    );
  });
});
