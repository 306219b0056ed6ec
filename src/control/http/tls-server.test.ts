import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { silentLogger } from "../../base/base.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { makeCertificate } from "../testing/certificates.ts";
import { HttpServer } from "./http-server.ts";
import { readPair } from "./tls-server.ts";

const HOUR_MS = 3_600_000;

async function withFiles(work: (file: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-api-tls-"));
  try {
    await work((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("readPair names the file that cannot be used, and why", () =>
  withFiles(async (file) => {
    const [one, two] = [await makeCertificate(["a.test"]), await makeCertificate(["a.test"], new Date(1e12))];
    await writeFile(file("one.pem"), one.certificate);
    await writeFile(file("one.key"), one.privateKey);
    await writeFile(file("two.pem"), two.certificate);
    await writeFile(file("two.key"), two.privateKey);
    const pair = (certificate: string, key: string) => ({ certificateFile: file(certificate), keyFile: file(key) });
    assert.equal(readPair(pair("one.pem", "one.key"), 1.7e12).cert, one.certificate);
    const cases: [certificate: string, key: string, message: RegExp][] = [
      ["gone.pem", "one.key", /^Cannot read the API's certificate .*gone\.pem: ENOENT/],
      ["one.pem", "gone.key", /^Cannot read the API's key .*gone\.key: ENOENT/],
      ["one.key", "one.key", /one\.key is no certificate as PEM/],
      ["one.pem", "one.pem", /one\.pem is no private key as PEM without a password/],
      ["one.pem", "two.key", /two\.key is not the key of .*one\.pem/],
      ["two.pem", "two.key", /two\.pem ended .* 2001/],
    ];
    for (const [certificate, key, message] of cases) {
      assert.throws(() => readPair(pair(certificate, key), 1.7e12), { message });
    }
  }));

test("on one port: TLS, plain HTTP from this machine, a new certificate within the hour, and an end with all", () =>
  withFiles(async (file) => {
    const clock = new FakeClock();
    const ends = new Date(clock.epochMs() + 1000 * HOUR_MS);
    const renew = async () => {
      const { certificate, privateKey } = await makeCertificate(["a.test"], ends);
      await Promise.all([writeFile(file("a.pem"), certificate), writeFile(file("a.key"), privateKey)]);
    };
    await renew();
    const tls = { certificateFile: file("a.pem"), keyFile: file("a.key"), clock, logger: silentLogger };
    const options = { handle: (_request: unknown, response: ServerResponse) => response.end("served"), port: 0, tls };
    // 192.0.2.0/24 is nobody's (RFC 5737).
    const missing = HttpServer.listen({ ...options, hosts: ["127.0.0.1", "192.0.2.1"] });
    await assert.rejects(missing, { message: /192\.0\.2\.1:\d+ .*does not have the address/ });
    const server = await HttpServer.listen({ ...options, hosts: ["0.0.0.0"] });
    const where = { host: "127.0.0.1", port: server.port };
    const shown = async () => {
      const socket = connectTls({ ...where, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.write("GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n");
      assert.match(String(await once(socket, "data")), /^HTTP\/1\.1 200 /);
      socket.destroy();
      return fingerprint256;
    };
    const first = await shown();
    assert.equal(await shown(), first);
    assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), "served");
    await renew();
    clock.advance(HOUR_MS);
    assert.notEqual(await shown(), first);
    // One that never says anything does not keep the server from closing.
    const silent = connect(where);
    await once(silent, "connect");
    silent.on("error", () => undefined);
    await server.close();
    assert.equal(clock.pendingCount, 0);
  }));

test("a host that other machines reach is refused without a certificate", async () => {
  await assert.rejects(HttpServer.listen({ handle: () => {}, hosts: ["0.0.0.0"], port: 0 }), {
    message: "The API is not served on 0.0.0.0 without TLS: name a certificate with --api-cert and --api-key",
  });
});
